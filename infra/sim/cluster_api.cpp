#include "infra/sim/cluster_api.hpp"

#include <algorithm>
#include <array>

#include "infra/crypto/cipher.hpp"
#include "infra/sim/cluster_discovery.hpp"
#include "infra/sim/cluster_manifest.hpp"
#include "infra/sim/cluster_text.hpp"

namespace cuttle::sim {

namespace {

constexpr std::array known_resources{"pods", "events", "configmaps", "secrets"};

plain_answer object_answer(const object_ptr& object, unsigned status = 200) {
  plain_answer result;
  result.status = status;
  result.body = object->text;
  return result;
}

plain_answer error_answer(const api_error& error) {
  plain_answer result;
  result.status = error.code;
  result.body = to_text(status_object(error));
  result.headers = error.headers;
  return result;
}

/// Where a LIST goes on: opaque for clients.
std::string continue_token(std::uint64_t version, const std::string& after) {
  auto text = to_text({{"v", version}, {"after", after}});
  return crypto::to_base64(crypto::as_bytes(text));
}

struct list_position {
  std::uint64_t version = 0;
  std::string after;
};

std::optional<list_position> read_token(std::string_view token) {
  auto raw = crypto::from_base64(token);
  if (!raw)
    return std::nullopt;
  auto value
    = parse_json({reinterpret_cast<const char*>(raw->data()), raw->size()});
  if (!value || !value_at(*value, "/v").is_number_unsigned())
    return std::nullopt;
  return list_position{value_at(*value, "/v").get<std::uint64_t>(),
                       text_at(*value, "/after")};
}

tl::expected<selector, api_error> read_selector(const request_path& path) {
  auto labels = path.parameter("labelSelector");
  auto fields = path.parameter("fieldSelector");
  if (auto result = selector::parse(labels, fields))
    return *result;
  return tl::unexpected(bad_request("unable to parse requirement: \"" + labels
                                    + "\" \"" + fields + '"'));
}

/// The message of a container that waits, as the log subresource gives it.
std::string waiting_text(const std::string& pod, const std::string& container,
                         const std::string& reason) {
  auto text = "container \"" + container + "\" in pod \"" + pod
              + "\" is waiting to start: ";
  if (reason == "ImagePullBackOff")
    return text + "trying and failing to pull image";
  if (reason == "ErrImagePull")
    return text + "image can't be pulled";
  return text + (reason.empty() ? "ContainerCreating" : reason);
}

} // namespace

cluster_api::cluster_api(options options, cluster_store& store, kubelet& node,
                         cluster_trouble& trouble)
  : options_(std::move(options)), store_(store), kubelet_(node),
    trouble_(trouble), token_(options_.token) {}

void cluster_api::set_token(std::string token) {
  std::lock_guard lock{mutex_};
  token_ = std::move(token);
}

bool cluster_api::known_token(std::string_view authorization) const {
  std::lock_guard lock{mutex_};
  return authorization == "Bearer " + token_;
}

cluster_api::admission cluster_api::enter(const api_request& request) {
  auto path = parse_target(request.method, request.target);
  if (!path)
    return {};
  auto entry = trouble_.enter(*path);
  admission result{std::move(entry.place), std::nullopt};
  if (entry.refusal)
    result.refusal = api_answer{error_answer(*entry.refusal), false};
  return result;
}

api_answer cluster_api::handle(const api_request& request) {
  auto path = parse_target(request.method, request.target);
  if (!path)
    return {error_answer(bad_request("malformed request target")), false};
  auto verdict = trouble_.note(*path);
  if (!known_token(request.authorization))
    return {error_answer(unauthorized()), false};
  if (verdict.error)
    return {error_answer(*verdict.error), false};
  if (verdict.skip) {
    verdict.action();
    return {plain_answer{}, true};
  }
  try {
    auto done = route(*path, request);
    if (verdict.action)
      verdict.action();
    if (!done)
      return {error_answer(done.error()), verdict.lose_answer};
    return {std::move(*done), verdict.lose_answer};
  } catch (const std::exception& e) {
    return {error_answer(plain_error(500, std::string{"Internal error "
                                                      "occurred: "}
                                            + e.what())),
            false};
  }
}

cluster_api::result cluster_api::route(const request_path& path,
                                       const api_request& request) {
  if (path.resource.empty() || path.resource == "version")
    return route_plain(path);
  auto user = "system:serviceaccount:" + options_.namespace_name
              + ":octopus-agent-tentacle";
  auto full
    = path.resource + (path.subresource.empty() ? "" : '/' + path.subresource);
  if (path.namespace_name != options_.namespace_name
      || path.resource == "namespaces")
    return tl::unexpected(forbidden(user,
                                    path.verb == "log" ? "get" : path.verb,
                                    full, path.name, path.namespace_name));
  if (std::find(known_resources.begin(), known_resources.end(), path.resource)
      == known_resources.end())
    return tl::unexpected(no_such_path());
  if (path.verb == "log" && path.resource == "pods")
    return log(path);
  if (!path.subresource.empty())
    return tl::unexpected(no_such_path());
  if (path.verb == "get")
    return get(path);
  if (path.verb == "list")
    return list(path);
  if (path.verb == "watch")
    return watch(path);
  if (path.verb == "create" && path.name.empty())
    return create(path, request);
  if (path.verb == "patch" && !path.name.empty())
    return patch(path, request);
  if (path.verb == "delete")
    return remove(path, request);
  return tl::unexpected(method_not_allowed());
}

cluster_api::result cluster_api::route_plain(const request_path& path) const {
  plain_answer result;
  if (path.verb != "get" && path.verb != "list")
    return tl::unexpected(method_not_allowed());
  if (path.resource == "version") {
    result.body = to_text(version_object(options_.kubernetes_version));
  } else if (auto known = discovery_object(path.path)) {
    result.body = to_text(*known);
  } else if (path.path == "/healthz" || path.path == "/readyz"
             || path.path == "/livez") {
    result.body = "ok";
    result.content_type = "text/plain; charset=utf-8";
  } else {
    return tl::unexpected(no_such_path());
  }
  return result;
}

cluster_api::result cluster_api::get(const request_path& path) const {
  auto found = store_.find(path.resource, path.name);
  if (!found)
    return tl::unexpected(not_found(path.resource, path.name));
  return object_answer(found);
}

cluster_api::result cluster_api::list(const request_path& path) const {
  auto which = read_selector(path);
  if (!which)
    return tl::unexpected(which.error());
  auto limit = path.number("limit");
  if (!limit)
    return tl::unexpected(limit.error());
  std::optional<list_position> from;
  if (auto token = path.parameter("continue"); !token.empty()) {
    from = read_token(token);
    if (!from)
      return tl::unexpected(bad_request("continue key is not valid"));
    if (!store_.changes(path.resource, selector{}, from->version))
      return tl::unexpected(plain_error(
        410, "The provided continue parameter is too old to display a "
             "consistent list result. You can start a new list without the "
             "continue parameter."));
  }
  auto size
    = static_cast<std::size_t>(std::max<std::int64_t>(limit->value_or(0), 0));
  auto page = store_.list(path.resource, *which, size,
                          from ? from->after : std::string{});
  auto version = from ? from->version : page.version;
  nlohmann::json meta{{"resourceVersion", std::to_string(version)}};
  if (page.more)
    meta["continue"] = continue_token(version, page.items.back()->name);
  if (trouble_.moods().disorder)
    std::reverse(page.items.begin(), page.items.end());
  plain_answer result;
  result.body = "{\"kind\":\"" + kind_of(path.resource)
                + "List\",\"apiVersion\":\"v1\",\"metadata\":" + to_text(meta)
                + ",\"items\":[";
  for (const auto& item : page.items) {
    if (result.body.back() == '}')
      result.body += ',';
    result.body += item->text;
  }
  result.body += "]}";
  return result;
}

cluster_api::result cluster_api::watch(const request_path& path) const {
  watch_answer result;
  auto which = read_selector(path);
  if (!which)
    return tl::unexpected(which.error());
  auto version = path.number("resourceVersion");
  if (!version)
    return tl::unexpected(version.error());
  auto timeout = path.number("timeoutSeconds");
  if (!timeout)
    return tl::unexpected(timeout.error());
  result.resource = path.resource;
  result.which = *which;
  result.bookmarks = path.flag("allowWatchBookmarks");
  if (timeout->value_or(0) > 0)
    result.timeout = std::chrono::seconds{**timeout};
  if (version->value_or(0) <= 0) {
    auto page = store_.list(path.resource, *which);
    result.version = page.version;
    result.first = std::move(page.items);
    return result;
  }
  result.version = static_cast<std::uint64_t>(**version);
  auto there = store_.changes(path.resource, *which, result.version);
  if (!there)
    return tl::unexpected(there.error());
  return result;
}

cluster_api::result cluster_api::log(const request_path& path) const {
  auto pod = store_.find("pods", path.name);
  if (!pod)
    return tl::unexpected(not_found("pods", path.name));
  const auto& containers = value_at(pod->value, "/spec/containers");
  auto wanted = path.parameter("container");
  if (wanted.empty() && containers.size() > 1) {
    std::string names;
    for (const auto& container : containers)
      names += (names.empty() ? "" : " ") + text_at(container, "/name");
    return tl::unexpected(
      bad_request("a container name must be specified for pod " + path.name
                  + ", choose one of: [" + names + ']'));
  }
  if (wanted.empty())
    wanted = text_at(containers.front(), "/name");
  auto named = [&](const auto& x) { return text_at(x, "/name") == wanted; };
  if (std::none_of(containers.begin(), containers.end(), named))
    return tl::unexpected(bad_request("container " + wanted
                                      + " is not valid for pod " + path.name));
  if (text_at(pod->value, "/spec/nodeName").empty())
    return tl::unexpected(
      bad_request("pod " + path.name + " does not have a host assigned"));
  const auto& statuses = value_at(pod->value, "/status/containerStatuses");
  auto status = std::find_if(statuses.begin(), statuses.end(), named);
  if (status == statuses.end()
      || value_at(*status, "/state/waiting").is_object())
    return tl::unexpected(bad_request(waiting_text(
      path.name, wanted,
      status == statuses.end() ? ""
                               : text_at(*status, "/state/waiting/reason"))));
  log_answer result;
  result.follow = path.flag("follow");
  result.options.timestamps = path.flag("timestamps");
  result.uid = pod->uid;
  if (auto since = path.parameter("sinceTime"); !since.empty()) {
    result.options.since = parse_rfc3339(since);
    if (!result.options.since)
      return tl::unexpected(
        bad_request("unable to parse sinceTime \"" + since + "\" as a time"));
  }
  if (wanted != text_at(script_container(pod->value), "/name"))
    return result;
  result.log = kubelet_.log(pod->uid);
  if (result.log)
    return result;
  // What a kubelet says with status 200 when the container is gone [LOG-08].
  plain_answer gone;
  gone.content_type = "text/plain";
  gone.body = "unable to retrieve container logs for "
              + text_at(*status, "/containerID");
  return gone;
}

} // namespace cuttle::sim
