#include "infra/kubernetes/watch_call.hpp"

#include <algorithm>
#include <type_traits>

#include "infra/kubernetes/paths.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle::kubernetes {

namespace {

/// Objects of one list in memory. Script pods and their events stay far below.
constexpr size_t largest_list = 200'000;

/// A watch that works this long is healthy; the back-off starts anew [MON-03].
constexpr std::chrono::minutes healthy_time{1};

/// A watch that the server ends earlier counts as a failure, so that a server
/// which ends each one at once is not asked in a tight loop.
constexpr std::chrono::seconds shortest_watch{1};

template <class T>
outcome<object_page<T>> read_page(object_reader& reader,
                                  std::string_view body) {
  if constexpr (std::is_same_v<T, pod_snapshot>)
    return reader.pods(body);
  else
    return reader.events(body);
}

template <class T>
outcome<watch_item<T>> read_change(object_reader& reader,
                                   std::string_view line) {
  if constexpr (std::is_same_v<T, pod_snapshot>)
    return reader.pod_change(line);
  else
    return reader.event_change(line);
}

} // namespace

template <class T>
watch_call<T>::watch_call(http_thread& thread,
                          std::shared_ptr<call_flags> flags,
                          watch_target target, watch_callbacks<T> callbacks)
  : call(std::move(flags)), thread_(thread), target_(std::move(target)),
    callbacks_(std::move(callbacks)) {}

template <class T>
watch_call<T>::~watch_call() {
  drop_transfer();
}

template <class T>
void watch_call<T>::start() {
  list();
}

// -- list --------------------------------------------------------------------

template <class T>
void watch_call<T>::list() {
  version_.clear();
  next_.clear();
  items_.clear();
  next_page();
}

template <class T>
void watch_call<T>::next_page() {
  http_request content;
  content.verb = "list";
  content.resource = target_.resource;
  content.path = object_path(thread_.where().namespace_name, target_.resource)
                 + list_query(target_.selector, next_);
  // Retries happen here, where the owner hears of them.
  request_ = std::make_unique<request>(
    thread_, std::move(content), repeatable::never,
    "list " + std::string{target_.resource},
    [this](answer result) { on_page(std::move(result)); }, fresh_);
  fresh_ = false;
}

template <class T>
void watch_call<T>::on_page(answer result) {
  if (!result) {
    fresh_ = result.error().last.how == attempt::kind::lost;
    return broken(std::move(result.error().why));
  }
  auto page = read_page<T>(thread_.reader(), *result);
  if (!page)
    return broken(std::move(page.error()));
  if (page->skipped > 0)
    telemetry::debug(
      "kubernetes-objects-skipped",
      {{"resource", target_.resource}, {"count", page->skipped}});
  for (auto& item : page->items)
    items_.push_back(std::move(item));
  if (items_.size() > largest_list)
    return broken({errc::overloaded, "Cannot list "
                                       + std::string{target_.resource}
                                       + ": there are more than "
                                       + std::to_string(largest_list) + '.'});
  next_ = std::move(page->next);
  if (!next_.empty())
    return next_page();
  version_ = std::move(page->resource_version);
  auto items = std::move(items_);
  items_.clear();
  tell(callbacks_.on_list, std::move(items));
  watch();
}

// -- watch -------------------------------------------------------------------

template <class T>
void watch_call<T>::watch() {
  auto& options = thread_.options();
  request_.reset();
  lines_.emplace(options.body_bytes);
  error_body_.clear();
  status_ = 0;
  verdict_.reset();
  expired_ = false;
  healthy_since_.reset();
  last_heard_ = steady::now();
  http_request content;
  content.verb = "watch";
  content.resource = target_.resource;
  content.endless = true;
  content.path
    = object_path(thread_.where().namespace_name, target_.resource)
      + watch_query(target_.selector, version_, options.watch_timeout);
  transfer_ = thread_.send(content, *this, fresh_);
  fresh_ = false;
  look_for_silence();
}

template <class T>
void watch_call<T>::on_headers(int status) {
  status_ = status;
  last_heard_ = steady::now();
  if (status == 200)
    healthy();
}

template <class T>
body_answer watch_call<T>::on_body(std::string_view bytes) {
  constexpr size_t longest_error = 64 * 1024;
  last_heard_ = steady::now();
  if (status_ != 200) {
    error_body_ += bytes.substr(0, longest_error - error_body_.size());
    return body_answer::go_on;
  }
  auto on = [this](std::string_view line) { return on_line(line); };
  if (lines_->feed(bytes, on))
    return body_answer::go_on;
  if (!verdict_ && !expired_)
    verdict_ = {errc::protocol_error,
                "The watch of " + std::string{target_.resource}
                  + " brought an object of more than "
                  + std::to_string(thread_.options().body_bytes) + " bytes."};
  return body_answer::stop;
}

template <class T>
bool watch_call<T>::on_line(std::string_view line) {
  using kind = typename watch_item<T>::kind;
  auto item = read_change<T>(thread_.reader(), line);
  if (!item) {
    // The next list brings what this line should have brought.
    verdict_ = std::move(item.error());
    version_.clear();
    return false;
  }
  if (item->type == kind::error) {
    expired_ = item->status.code == 410;
    if (!expired_) {
      attempt said;
      said.status = item->status.code;
      verdict_ = failure_of(said, item->status,
                            "watch " + std::string{target_.resource});
    }
    return false;
  }
  if (!item->resource_version.empty())
    version_ = std::move(item->resource_version);
  switch (item->type) {
  case kind::added:
  case kind::modified:
    tell(callbacks_.on_change, std::move(item->object));
    break;
  case kind::deleted:
    tell(callbacks_.on_delete, std::move(item->object));
    break;
  case kind::unusable:
    telemetry::debug("kubernetes-object-skipped",
                     {{"resource", target_.resource}});
    break;
  case kind::bookmark:
  case kind::error:
    break;
  }
  return !flags().cancelled;
}

template <class T>
void watch_call<T>::on_done(const attempt& result) {
  using kind = attempt::kind;
  drop_transfer();
  if (flags().cancelled)
    return;
  if (verdict_)
    return broken(std::move(*verdict_));
  if (result.how != kind::answered) {
    fresh_ = true;
    api_status nothing;
    return broken(
      failure_of(result, nothing, "watch " + std::string{target_.resource}));
  }
  auto now = steady::now();
  auto lasted = now - healthy_since_.value_or(now);
  if (expired_ || result.status == 410) {
    telemetry::info("kubernetes-watch-expired",
                    {{"resource", target_.resource}});
    version_.clear();
    // The first time at once; a server that does it each time is waited for.
    if (lasted >= shortest_watch || failures_ == 0) {
      failures_ = std::max(failures_, 1u);
      return list();
    }
    timer_
      = thread_.after(thread_.backoff_for(++failures_), [this] { list(); });
    return;
  }
  if (result.status == 401 && !renewed_ && thread_.identity().renew()) {
    renewed_ = true;
    return watch();
  }
  if (result.status != 200) {
    auto said = thread_.reader().status(error_body_);
    // What may be the fault of the version that was asked for.
    if (result.status == 400 || result.status == 404 || result.status == 422)
      version_.clear();
    return broken(
      failure_of(result, said, "watch " + std::string{target_.resource}));
  }
  // The end in good order, or in the middle of an object: what was not read
  // comes again from the last version on.
  if (lines_->open())
    return broken(
      {errc::unavailable, "The watch of " + std::string{target_.resource}
                            + " was cut off in the middle of an object."});
  if (lasted >= healthy_time)
    failures_ = 0;
  if (lasted >= shortest_watch)
    return watch();
  timer_ = thread_.after(thread_.backoff_for(++failures_), [this] { go_on(); });
}

template <class T>
void watch_call<T>::look_for_silence() {
  using std::chrono::milliseconds;
  auto& options = thread_.options();
  // The server sends the headers of a watch at once.
  auto answered = status_ != 0;
  // It also ends each watch after a time that it was told: one that says
  // nothing for longer has lost its server.
  auto limit
    = answered ? std::min<milliseconds>(
        options.watch_silence, options.watch_timeout + options.request_timeout)
               : options.request_timeout;
  auto heard
    = std::chrono::duration_cast<milliseconds>(steady::now() - last_heard_);
  if (heard < limit) {
    // Headers change the limit, which may be the earlier one then.
    auto wait
      = answered ? limit - heard
                 : std::min<milliseconds>(limit - heard, options.watch_silence);
    silence_ = thread_.after(wait, [this] { look_for_silence(); });
    return;
  }
  drop_transfer();
  if (!answered) {
    fresh_ = true;
    return broken(
      {errc::deadline_exceeded, "The API server did not answer a watch of "
                                  + std::string{target_.resource} + " within "
                                  + std::to_string(limit.count()) + " ms."});
  }
  // Nothing may have happened: not every server sends bookmarks for events. It
  // is only trouble if the new watch is not answered.
  telemetry::debug("kubernetes-watch-silent", {{"resource", target_.resource}});
  watch();
}

template <class T>
void watch_call<T>::drop_transfer() {
  silence_.reset();
  if (!transfer_)
    return;
  thread_.abandon(*transfer_);
  transfer_.reset();
}

// -- breaks ------------------------------------------------------------------

template <class T>
void watch_call<T>::broken(failure why) {
  if (healthy_since_ && steady::now() - *healthy_since_ >= healthy_time)
    failures_ = 0;
  healthy_since_.reset();
  auto delay = thread_.backoff_for(++failures_);
  // One line for a break, however many attempts it takes to mend it.
  telemetry::log(troubled_ ? settings::log_level::debug
                           : settings::log_level::warn,
                 "kubernetes-watch-broken",
                 {{"resource", target_.resource},
                  {"reason", why.text},
                  {"retry_ms", delay.count()}});
  timer_ = thread_.after(delay, [this] { go_on(); });
  if (troubled_)
    return;
  troubled_ = true;
  tell(callbacks_.on_trouble, why, delay);
}

template <class T>
void watch_call<T>::go_on() {
  if (version_.empty())
    list();
  else
    watch();
}

template <class T>
void watch_call<T>::healthy() {
  healthy_since_ = steady::now();
  renewed_ = false;
  if (!troubled_)
    return;
  troubled_ = false;
  telemetry::info("kubernetes-watch-restored",
                  {{"resource", target_.resource}});
  tell(callbacks_.on_trouble, failure{}, std::chrono::milliseconds{0});
}

template class watch_call<pod_snapshot>;
template class watch_call<pod_event>;

} // namespace cuttle::kubernetes
