#include "infra/kubernetes/http_thread.hpp"

#include <algorithm>
#include <csignal>
#include <curl/curl.h>
#include <pthread.h>
#include <stdexcept>

#include "infra/telemetry/log.hpp"

namespace cuttle::kubernetes {

call::call(std::shared_ptr<call_flags> flags) : flags_(std::move(flags)) {}

call::~call() = default;

void call::resumed() {
  // Most calls cannot be paused.
}

void call::report_throw() {
  telemetry::error("kubernetes-callback-threw");
}

/// A place among the requests in flight, or one in the queue for it.
struct http_thread::place {
  job start;
  bool granted = false;
  std::shared_ptr<unsigned> in_flight;

  ~place() {
    if (granted)
      --*in_flight;
  }
};

http_thread::http_thread(access where, api_options options)
  : where_(std::move(where)), options_(std::move(options)), identity_(where_),
    random_(std::random_device{}()) {
  static const auto initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  multi_ = initialised == CURLE_OK ? curl_multi_init() : nullptr;
  if (multi_ == nullptr)
    throw std::runtime_error("libcurl cannot be initialised.");
  curl_multi_setopt(multi_, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
  // Follow streams do not leave their connection behind; a few idle ones are
  // enough for the rest, also with a server that has no HTTP/2.
  curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, 16L);
  thread_ = std::thread{[this] { run(); }};
}

http_thread::~http_thread() {
  {
    std::lock_guard guard{mutex_};
    stopping_ = true;
    for (auto& [id, entry] : calls_)
      entry.flags->cancelled = true;
  }
  curl_multi_wakeup(multi_);
  thread_.join();
  curl_multi_cleanup(multi_);
}

// -- for any thread ----------------------------------------------------------

call_id http_thread::open(make_call make, job refuse) {
  auto flags = std::make_shared<call_flags>();
  std::lock_guard guard{mutex_};
  auto id = ++last_id_;
  auto counted = refuse != nullptr;
  auto bound = options_.in_flight + options_.queue;
  if (counted && counted_ >= bound) {
    inbox_.push_back(std::move(refuse));
    curl_multi_wakeup(multi_);
    return id;
  }
  counted_ += counted ? 1 : 0;
  calls_.emplace(id, entry{flags, nullptr, counted});
  inbox_.push_back([this, id, flags, make = std::move(make)] {
    if (flags->cancelled)
      return;
    auto made = make(flags);
    auto& it = *made;
    ids_.emplace(&it, id);
    {
      std::lock_guard inner{mutex_};
      if (auto i = calls_.find(id); i != calls_.end())
        i->second.it = std::move(made);
    }
    if (!made)
      it.start();
    else
      ids_.erase(&it);
  });
  curl_multi_wakeup(multi_);
  return id;
}

void http_thread::post(job f) {
  std::lock_guard guard{mutex_};
  inbox_.push_back(std::move(f));
  curl_multi_wakeup(multi_);
}

void http_thread::cancel(call_id id) {
  std::lock_guard guard{mutex_};
  auto i = calls_.find(id);
  if (i == calls_.end() || i->second.flags->cancelled.exchange(true))
    return;
  inbox_.push_back([this, id] {
    std::lock_guard inner{mutex_};
    auto j = calls_.find(id);
    if (j == calls_.end())
      return;
    counted_ -= j->second.counted ? 1 : 0;
    if (j->second.it) {
      ids_.erase(j->second.it.get());
      closed_.push_back(std::move(j->second.it));
    }
    calls_.erase(j);
  });
  curl_multi_wakeup(multi_);
}

void http_thread::pause(call_id id) {
  std::lock_guard guard{mutex_};
  if (auto i = calls_.find(id); i != calls_.end())
    i->second.flags->paused = true;
}

void http_thread::resume(call_id id) {
  std::lock_guard guard{mutex_};
  auto i = calls_.find(id);
  if (i == calls_.end() || !i->second.flags->paused.exchange(false))
    return;
  inbox_.push_back([this, id] {
    call* it = nullptr;
    {
      std::lock_guard inner{mutex_};
      if (auto j = calls_.find(id); j != calls_.end())
        it = j->second.it.get();
    }
    // Calls are destroyed by this very thread only.
    if (it != nullptr)
      it->resumed();
  });
  curl_multi_wakeup(multi_);
}

// -- for the thread ----------------------------------------------------------

void http_thread::close(const call* ended) {
  auto i = ids_.find(ended);
  if (i == ids_.end())
    return;
  std::lock_guard guard{mutex_};
  if (auto j = calls_.find(i->second); j != calls_.end()) {
    counted_ -= j->second.counted ? 1 : 0;
    closed_.push_back(std::move(j->second.it));
    calls_.erase(j);
  }
  ids_.erase(i);
}

std::unique_ptr<transfer> http_thread::send(const http_request& request,
                                            transfer_owner& owner, bool fresh) {
  if (options_.on_call)
    options_.on_call({request.verb, request.resource, request.name});
  auto result = std::make_unique<transfer>(where_, options_, identity_.token(),
                                           request, owner, fresh);
  curl_multi_add_handle(multi_, result->handle());
  return result;
}

void http_thread::abandon(transfer& it) {
  curl_multi_remove_handle(multi_, it.handle());
}

std::shared_ptr<http_thread::job>
http_thread::after(std::chrono::milliseconds delay, job f) {
  auto result = std::make_shared<job>(std::move(f));
  timers_.emplace(steady::now() + delay, result);
  return result;
}

std::shared_ptr<void> http_thread::admit(job f) {
  auto result = std::make_shared<place>();
  result->start = std::move(f);
  result->in_flight = in_flight_;
  waiting_.push_back(result);
  return result;
}

std::chrono::milliseconds http_thread::backoff_for(unsigned failures) {
  std::uniform_real_distribution<double> share{0, 1};
  return backoff(failures, share(random_));
}

void http_thread::run() {
  pthread_setname_np(pthread_self(), "kubernetes");
  // Signals are for the main thread, and a peer that went away must not raise
  // SIGPIPE here.
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  for (;;) {
    run_inbox();
    run_timers();
    grant_places();
    int running = 0;
    curl_multi_perform(multi_, &running);
    finish_transfers();
    destroy_closed();
    {
      std::lock_guard guard{mutex_};
      if (stopping_)
        break;
    }
    curl_multi_poll(multi_, nullptr, 0, wait_limit_ms(), nullptr);
  }
  // What is left ends on this thread, so that no callback's captures outlive
  // it and no handle is destroyed elsewhere.
  std::unordered_map<call_id, entry> rest;
  std::vector<job> unread;
  {
    std::lock_guard guard{mutex_};
    rest.swap(calls_);
    unread.swap(inbox_);
  }
  rest.clear();
  closed_.clear();
}

void http_thread::run_inbox() {
  std::vector<job> jobs;
  {
    std::lock_guard guard{mutex_};
    if (stopping_)
      return;
    jobs.swap(inbox_);
  }
  for (auto& f : jobs)
    f();
}

void http_thread::run_timers() {
  auto now = steady::now();
  while (!timers_.empty() && timers_.begin()->first <= now) {
    auto due = timers_.begin()->second.lock();
    timers_.erase(timers_.begin());
    if (due)
      (*due)();
  }
}

void http_thread::grant_places() {
  while (!waiting_.empty() && *in_flight_ < options_.in_flight) {
    auto next = waiting_.front().lock();
    waiting_.pop_front();
    if (!next)
      continue;
    next->granted = true;
    ++*in_flight_;
    auto start = std::move(next->start);
    start();
  }
}

void http_thread::finish_transfers() {
  int left = 0;
  while (auto message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE)
      continue;
    auto easy = message->easy_handle;
    auto code = message->data.result;
    auto& it = transfer::of(easy);
    curl_multi_remove_handle(multi_, easy);
    it.owner().on_done(it.result(code));
  }
}

void http_thread::destroy_closed() {
  // The destructor of a call may run code of its owner, which may open and
  // cancel other calls.
  while (!closed_.empty()) {
    auto doomed = std::move(closed_);
    closed_.clear();
    doomed.clear();
  }
}

int http_thread::wait_limit_ms() const {
  constexpr std::chrono::milliseconds longest{60'000};
  auto result = longest;
  if (!waiting_.empty() && *in_flight_ < options_.in_flight)
    return 0;
  if (!timers_.empty()) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(
      timers_.begin()->first - steady::now());
    result = std::clamp(left, std::chrono::milliseconds{0}, longest);
  }
  return static_cast<int>(result.count());
}

} // namespace cuttle::kubernetes
