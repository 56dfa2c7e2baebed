#include "infra/kubernetes/api_client.hpp"

#include <nlohmann/json.hpp>

#include "infra/kubernetes/create_pod_call.hpp"
#include "infra/kubernetes/digest.hpp"
#include "infra/kubernetes/follow_call.hpp"
#include "infra/kubernetes/http_thread.hpp"
#include "infra/kubernetes/metadata.hpp"
#include "infra/kubernetes/paths.hpp"
#include "infra/kubernetes/pod_json.hpp"
#include "infra/kubernetes/simple_call.hpp"
#include "infra/kubernetes/watch_call.hpp"

namespace cuttle::kubernetes {

namespace {

using answer = tl::expected<std::string, request_failure>;

/// Turns an answer's body into a value with a member of `object_reader`.
template <class T>
std::function<outcome<T>(answer)>
reading(http_thread& thread,
        outcome<T> (object_reader::*read)(std::string_view)) {
  return [&thread, read](answer result) -> outcome<T> {
    if (!result)
      return tl::unexpected{std::move(result.error().why)};
    return (thread.reader().*read)(*result);
  };
}

outcome<void> ignore_body(answer result) {
  if (!result)
    return tl::unexpected{std::move(result.error().why)};
  return {};
}

/// A pod that is not there, or that is another one than the one asked for, is
/// as good as deleted [RPC-12]. Servers spell the word with a small or a
/// capital letter.
outcome<void> gone(answer result) {
  if (result)
    return {};
  auto& [last, why] = result.error();
  auto answered = last.how == attempt::kind::answered;
  if (answered && last.status == 404)
    return {};
  if (answered && last.status == 409
      && why.text.find("recondition") != std::string::npos)
    return {};
  return tl::unexpected{std::move(why)};
}

/// The merge patch that sets or removes keys of `data`.
std::string
data_patch(const std::map<std::string, std::optional<std::string>>& data,
           bool encode, const std::optional<owner_reference>& owner = {}) {
  auto values = json::object();
  for (auto& [key, value] : data) {
    auto& member = values[key];
    if (value)
      member = encode ? base64(*value) : *value;
  }
  json patch = {{"data", std::move(values)}};
  if (owner)
    patch["metadata"]["ownerReferences"] = owner_references(*owner);
  return dump(patch);
}

} // namespace

struct api_client::impl {
  impl(access where, api_options options)
    : thread(std::move(where), std::move(options)) {}

  http_request content(std::string_view verb, std::string_view resource,
                       std::string name) {
    http_request result;
    result.verb = verb;
    result.resource = resource;
    auto in_path = verb == "create" ? std::string_view{} : name;
    result.path = object_path(thread.where().namespace_name, resource, in_path);
    result.name = std::move(name);
    return result;
  }

  /// Opens a call that counts against the queue.
  template <class T>
  call_id open(http_thread::make_call make,
               std::function<void(outcome<T>)> done) {
    auto refuse = [this, done = std::move(done)] {
      auto& options = thread.options();
      done(fail(errc::overloaded,
                "The queue for requests to the API server is full ("
                  + std::to_string(options.in_flight + options.queue)
                  + " requests)."));
    };
    return thread.open(std::move(make), std::move(refuse));
  }

  template <class T>
  call_id simple(http_request content, repeatable how, std::string what,
                 std::function<outcome<T>(answer)> read,
                 std::function<void(outcome<T>)> done) {
    auto make = [this, content = std::move(content), how,
                 what = std::move(what), read = std::move(read),
                 done](std::shared_ptr<call_flags> flags) {
      return std::make_unique<simple_call<T>>(thread, std::move(flags), content,
                                              how, what, read, done);
    };
    return open<T>(std::move(make), done);
  }

  http_thread thread;
};

api_client::api_client(access where, api_options options)
  : impl_(std::make_unique<impl>(std::move(where), std::move(options))) {}

api_client::~api_client() = default;

// -- pods --------------------------------------------------------------------

call_id api_client::create_pod(std::string manifest_json,
                               creation_callbacks callbacks) {
  auto refused = [done = callbacks.on_done](outcome<pod_snapshot> result) {
    done(std::move(result));
  };
  auto make
    = [this, manifest = std::move(manifest_json),
       callbacks = std::move(callbacks)](std::shared_ptr<call_flags> flags) {
        return std::make_unique<create_pod_call>(
          impl_->thread, std::move(flags), manifest, callbacks);
      };
  return impl_->open<pod_snapshot>(std::move(make), refused);
}

call_id api_client::get_pod(std::string name,
                            std::function<void(outcome<pod_snapshot>)> done) {
  return impl_->simple<pod_snapshot>(
    impl_->content("get", "pods", name), repeatable::always,
    "read pod '" + name + "'", reading(impl_->thread, &object_reader::pod),
    std::move(done));
}

call_id api_client::delete_pod(std::string name, std::string uid,
                               std::optional<std::chrono::seconds> grace,
                               std::function<void(outcome<void>)> done) {
  auto content = impl_->content("delete", "pods", name);
  content.method = "DELETE";
  json body = {{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
  if (grace)
    body["gracePeriodSeconds"] = grace->count();
  if (!uid.empty())
    body["preconditions"] = {{"uid", uid}};
  content.body = dump(body);
  return impl_->simple<void>(std::move(content), repeatable::always,
                             "delete pod '" + name + "'", gone,
                             std::move(done));
}

call_id api_client::watch_pods(watch_callbacks<pod_snapshot> callbacks) {
  return impl_->thread.open(
    [this, callbacks = std::move(callbacks)](
      std::shared_ptr<call_flags> flags) -> std::unique_ptr<call> {
      watch_target target{
        "pods", "labelSelector=" + url_escaped("octopus.com/scriptTicketId")};
      return std::make_unique<watch_call<pod_snapshot>>(
        impl_->thread, std::move(flags), std::move(target), callbacks);
    });
}

call_id api_client::watch_pod_events(watch_callbacks<pod_event> callbacks) {
  return impl_->thread.open(
    [this, callbacks = std::move(callbacks)](
      std::shared_ptr<call_flags> flags) -> std::unique_ptr<call> {
      watch_target target{"events", "fieldSelector="
                                      + url_escaped("involvedObject.kind=Pod")};
      return std::make_unique<watch_call<pod_event>>(
        impl_->thread, std::move(flags), std::move(target), callbacks);
    });
}

call_id api_client::follow_log(log_query query, log_callbacks callbacks) {
  return impl_->thread.open(
    [this, query = std::move(query), callbacks = std::move(callbacks)](
      std::shared_ptr<call_flags> flags) -> std::unique_ptr<call> {
      return std::make_unique<follow_call>(impl_->thread, std::move(flags),
                                           query, callbacks);
    });
}

// -- config maps and secrets -------------------------------------------------

call_id
api_client::get_config_map(std::string name,
                           std::function<void(outcome<stored_map>)> done) {
  return impl_->simple<stored_map>(
    impl_->content("get", "configmaps", name), repeatable::always,
    "read config map '" + name + "'",
    reading(impl_->thread, &object_reader::config_map), std::move(done));
}

call_id api_client::patch_config_map(
  std::string name, std::map<std::string, std::optional<std::string>> data,
  std::function<void(outcome<stored_map>)> done) {
  auto content = impl_->content("patch", "configmaps", name);
  content.method = "PATCH";
  content.content_type = "application/merge-patch+json";
  content.body = data_patch(data, false);
  return impl_->simple<stored_map>(
    std::move(content), repeatable::always, "write config map '" + name + "'",
    reading(impl_->thread, &object_reader::config_map), std::move(done));
}

call_id api_client::get_secret(std::string name,
                               std::function<void(outcome<stored_map>)> done) {
  return impl_->simple<stored_map>(
    impl_->content("get", "secrets", name), repeatable::always,
    "read secret '" + name + "'",
    reading(impl_->thread, &object_reader::secret), std::move(done));
}

call_id api_client::create_secret(std::string manifest_json,
                                  std::function<void(outcome<void>)> done) {
  auto content = impl_->content("create", "secrets", "");
  content.method = "POST";
  content.body = std::move(manifest_json);
  // Twice has the effect of once: the second one is told of a conflict.
  return impl_->simple<void>(std::move(content), repeatable::always,
                             "create a secret", ignore_body, std::move(done));
}

call_id
api_client::patch_secret(std::string name,
                         std::map<std::string, std::optional<std::string>> data,
                         std::optional<owner_reference> owner,
                         std::function<void(outcome<stored_map>)> done) {
  auto content = impl_->content("patch", "secrets", name);
  content.method = "PATCH";
  content.content_type = "application/merge-patch+json";
  content.body = data_patch(data, true, owner);
  return impl_->simple<stored_map>(
    std::move(content), repeatable::always, "write secret '" + name + "'",
    reading(impl_->thread, &object_reader::secret), std::move(done));
}

// -- the rest ----------------------------------------------------------------

void api_client::echo(std::function<void()> done) {
  impl_->thread.post(std::move(done));
}

call_id
api_client::get_version(std::function<void(outcome<cluster_version>)> done) {
  http_request content;
  content.verb = "get";
  content.resource = "version";
  content.path = "/version";
  return impl_->simple<cluster_version>(
    std::move(content), repeatable::always, "read the cluster's version",
    reading(impl_->thread, &object_reader::version), std::move(done));
}

call_id
api_client::list_objects(std::string group, std::string resource,
                         std::string selector,
                         std::function<void(outcome<std::string>)> done) {
  http_request content;
  content.verb = "list";
  content.resource = resource;
  content.path = "/apis/" + group + "/namespaces/"
                 + url_escaped(impl_->thread.where().namespace_name) + '/'
                 + resource;
  if (!selector.empty())
    content.path += "?labelSelector=" + url_escaped(selector);
  auto read = [](answer result) -> outcome<std::string> {
    if (!result)
      return tl::unexpected{std::move(result.error().why)};
    return std::move(*result);
  };
  return impl_->simple<std::string>(std::move(content), repeatable::always,
                                    "list " + resource, read, std::move(done));
}

call_id api_client::raw(std::string method, std::string path, std::string body,
                        std::function<void(outcome<std::string>)> done) {
  http_request content;
  content.verb = "raw";
  content.resource = "raw";
  auto what = method + ' ' + path;
  content.method = std::move(method);
  content.path = std::move(path);
  content.body = std::move(body);
  if (content.method == "PATCH")
    content.content_type = "application/merge-patch+json";
  auto read = [](answer result) -> outcome<std::string> {
    if (!result)
      return tl::unexpected{std::move(result.error().why)};
    return std::move(*result);
  };
  return impl_->simple<std::string>(std::move(content), repeatable::never,
                                    std::move(what), read, std::move(done));
}

void api_client::pause(call_id id) {
  impl_->thread.pause(id);
}

void api_client::resume(call_id id) {
  impl_->thread.resume(id);
}

void api_client::cancel(call_id id) {
  impl_->thread.cancel(id);
}

} // namespace cuttle::kubernetes
