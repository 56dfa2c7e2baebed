#include "infra/kubernetes/create_pod_call.hpp"

#include <algorithm>
#include <utility>

#include "infra/kubernetes/paths.hpp"

namespace cuttle::kubernetes {

namespace {

http_request pods_request(const http_thread& thread, std::string_view verb,
                          const std::string& name) {
  http_request result;
  result.verb = verb;
  result.resource = "pods";
  result.name = name;
  result.path = object_path(thread.where().namespace_name, "pods",
                            verb == "create" ? "" : name);
  return result;
}

} // namespace

create_pod_call::create_pod_call(http_thread& thread,
                                 std::shared_ptr<call_flags> flags,
                                 std::string manifest_json,
                                 creation_callbacks callbacks)
  : call(std::move(flags)), thread_(thread),
    manifest_(std::move(manifest_json)), callbacks_(std::move(callbacks)) {}

create_pod_call::~create_pod_call() = default;

void create_pod_call::start() {
  name_ = thread_.reader().name(manifest_);
  labels_ = thread_.reader().labels(manifest_);
  if (name_.empty())
    return end(fail(errc::invalid_request, "The pod's manifest has no name."));
  auto content = pods_request(thread_, "create", name_);
  content.method = "POST";
  content.body = std::move(manifest_);
  if (callbacks_.on_sent)
    content.on_sent = [this] {
      if (auto sent = std::exchange(callbacks_.on_sent, {}))
        tell(sent);
    };
  request_ = std::make_unique<request>(
    thread_, std::move(content), repeatable::unless_received,
    "create pod '" + name_ + "'",
    [this](answer result) { on_created(std::move(result)); });
}

void create_pod_call::on_created(answer result) {
  using kind = attempt::kind;
  if (result)
    return end(creation_outcome{thread_.reader().pod(*result)});
  auto& [last, why] = result.error();
  doubt_ = std::move(why);
  // Many creations at once make the quota's own object a bottleneck.
  auto quota_busy = last.how == kind::answered && last.status == 409
                    && doubt_.text.find("resourcequotas") != std::string::npos;
  if (quota_busy || (last.how == kind::answered && last.status == 429))
    return end_overloaded(last);
  auto exists = last.how == kind::answered && last.status == 409;
  auto lost = last.how == kind::lost;
  auto server_error = last.how == kind::answered && last.status >= 500;
  if (!exists && !lost && !server_error)
    return end(tl::unexpected(doubt_));
  // A request that was cut off may still be on its way through the server, so
  // one look is not enough then.
  constexpr unsigned looks_after_loss = 5;
  looks_left_ = lost || last.status == 504 ? looks_after_loss : 1;
  look();
}

void create_pod_call::end_overloaded(const attempt& last) {
  creation_failure result{{errc::overloaded, std::move(doubt_.text)}};
  result.retry_after = last.retry_after;
  end(tl::unexpected(std::move(result)));
}

void create_pod_call::look() {
  --looks_left_;
  ++looks_;
  request_ = std::make_unique<request>(
    thread_, pods_request(thread_, "get", name_), repeatable::always,
    "read pod '" + name_ + "'",
    [this](answer result) { on_found(std::move(result)); });
}

void create_pod_call::on_found(answer result) {
  if (result) {
    auto pod = thread_.reader().pod(*result);
    if (!pod || is_ours(*result))
      return end(std::move(pod));
    return end(
      fail(errc::conflict, "Cannot create pod '" + name_
                             + "': a pod of that name exists that belongs to "
                               "another script or is being deleted."));
  }
  auto& last = result.error().last;
  if (last.how == attempt::kind::answered && last.status == 404) {
    if (looks_left_ > 0) {
      timer_
        = thread_.after(thread_.backoff_for(looks_ + 1), [this] { look(); });
      return;
    }
    if (doubt_.code == errc::unavailable)
      doubt_.text += " The pod was looked for and does not exist.";
    return end(tl::unexpected(doubt_));
  }
  doubt_.text
    += " Whether the pod exists is not known: " + result.error().why.text;
  end(tl::unexpected(doubt_));
}

bool create_pod_call::is_ours(std::string_view pod_json) {
  auto found = thread_.reader().labels(pod_json);
  auto same = [&](const auto& label) {
    auto i = found.find(label.first);
    return i != found.end() && i->second == label.second;
  };
  auto pod = thread_.reader().pod(pod_json);
  return pod && !pod->deleting && !labels_.empty()
         && std::all_of(labels_.begin(), labels_.end(), same);
}

void create_pod_call::end(creation_outcome result) {
  auto done = std::move(callbacks_.on_done);
  tell(done, std::move(result));
  thread_.close(this);
}

} // namespace cuttle::kubernetes
