#include "programs/cuttle/bench_links.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <exception>
#include <map>
#include <mutex>
#include <pthread.h>
#include <set>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include "infra/telemetry/log.hpp"
#include "programs/runner/worker_link.hpp"

namespace cuttle {

namespace {

using steady = std::chrono::steady_clock;

// A script that is further ahead of the links' thread waits.
constexpr std::size_t most_waiting_bytes = 512 * 1024;

struct waiting_line {
  std::int64_t number;
  std::string frame;
  steady::time_point printed;
};

// One link. What is not marked otherwise belongs to the links' thread.
struct player {
  explicit player(std::unique_ptr<runner::worker_link> x)
    : link(std::move(x)) {}

  std::unique_ptr<runner::worker_link> link;
  std::optional<steady::time_point> due;
  bool ending = false;
  // The newest line that is not confirmed, and when it was printed.
  std::int64_t last = 0;
  steady::time_point last_printed;
  std::int64_t confirmed = 0;
  // For both threads.
  std::atomic<bool> full = false;
  std::atomic<bool> over = false;
  // Under the mutex.
  std::function<void()> wake;
  std::vector<waiting_line> lines;
  std::size_t bytes = 0;
  bool changed = false;
  bool end = false;
  bool soon = false;
  bool gone = false;
};

using player_ptr = std::shared_ptr<player>;

int checked(int result, const char* what) {
  if (result < 0)
    throw std::system_error(errno, std::generic_category(), what);
  return result;
}

} // namespace

struct bench_links::impl {
  explicit impl(std::function<void(std::chrono::microseconds)> f)
    : on_confirmed(std::move(f)),
      poll(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      bell(checked(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")) {
    epoll_event event{};
    event.events = EPOLLIN;
    checked(::epoll_ctl(poll, EPOLL_CTL_ADD, bell, &event), "epoll_ctl");
    thread = std::thread{[this] { run(); }};
  }

  ~impl() {
    stopping = true;
    ring();
    thread.join();
    ::close(poll);
    ::close(bell);
  }

  void ring() const {
    std::uint64_t one = 1;
    // (a bell that rings already is as good)
    static_cast<void>(::write(bell, &one, sizeof(one)) < 0);
  }

  /// Called with the mutex. Whether the thread has to be told.
  bool notify(const player_ptr& x) {
    if (std::exchange(x->changed, true))
      return false;
    changed.push_back(x);
    return true;
  }

  // -- the thread
  // --------------------------------------------------------------

  void run() {
    pthread_setname_np(pthread_self(), "played-links");
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);
    std::array<epoll_event, 256> events;
    while (!stopping) {
      auto count = ::epoll_wait(poll, events.data(), events.size(), pause());
      for (auto i = 0; i < count; ++i)
        take(events[static_cast<std::size_t>(i)]);
      std::vector<player_ptr> called;
      {
        std::lock_guard lock{mutex};
        called.swap(changed);
        for (auto& x : called)
          x->changed = false;
      }
      // (each once: what is due again at once lets the sockets have their turn)
      auto now = steady::now();
      for (auto& [due, x] : timers) {
        if (due > now)
          break;
        called.push_back(players.at(x));
      }
      for (auto& x : called)
        serve(x, 0);
    }
  }

  int pause() const {
    if (timers.empty())
      return -1;
    auto rest = std::chrono::ceil<std::chrono::milliseconds>(
      timers.begin()->first - steady::now());
    return static_cast<int>(std::clamp<std::int64_t>(rest.count(), 0, 60'000));
  }

  void take(const epoll_event& event) {
    if (event.data.ptr == nullptr) {
      std::uint64_t ignored = 0;
      static_cast<void>(::read(bell, &ignored, sizeof(ignored)) < 0);
      return;
    }
    auto i = players.find(static_cast<player*>(event.data.ptr));
    if (i != players.end())
      serve(player_ptr{i->second}, static_cast<short>(event.events));
  }

  void serve(const player_ptr& x, short events) {
    std::vector<waiting_line> lines;
    auto end = false;
    auto soon = false;
    {
      std::lock_guard lock{mutex};
      if (x->gone) {
        forget(*x);
        return;
      }
      lines.swap(x->lines);
      x->bytes = 0;
      end = x->end;
      soon = std::exchange(x->soon, false);
    }
    if (x->over)
      return;
    auto now = steady::now();
    players.try_emplace(x.get(), x);
    auto& link = *x->link;
    try {
      for (auto& line : lines) {
        link.add(line.number, line.frame);
        x->last = line.number;
        x->last_printed = line.printed;
      }
      if (soon)
        link.hurry(now);
      if (end && !std::exchange(x->ending, true))
        link.no_more(now);
      link.turn(now, events);
      confirm(*x);
      arm(*x);
      if (x->ending && link.finished(steady::now())) {
        static_cast<void>(link.close());
        x->over = true;
      }
    } catch (const std::exception& e) {
      telemetry::error("played-link-broke", {{"what", e.what()}});
      x->over = true;
    }
    auto full = !x->over && link.holding();
    auto tell = x->over || x->full.exchange(full) != full || !lines.empty();
    if (x->over)
      forget(*x);
    std::lock_guard lock{mutex};
    if (tell && x->wake && !x->gone)
      x->wake();
  }

  void confirm(player& x) const {
    if (!on_confirmed || x.last <= x.confirmed || x.link->received() < x.last)
      return;
    x.confirmed = x.last;
    on_confirmed(std::chrono::duration_cast<std::chrono::microseconds>(
      steady::now() - x.last_printed));
  }

  // Waits for what the link wants, once.
  void arm(player& x) {
    drop_timer(x);
    auto due = x.link->due();
    if (due != steady::time_point::max()) {
      x.due = due;
      timers.emplace(due, &x);
    }
    auto wants = x.link->wants();
    if (wants.fd < 0)
      return;
    epoll_event event{};
    event.events = static_cast<std::uint32_t>(wants.events) | EPOLLONESHOT;
    event.data.ptr = &x;
    // (a socket that was closed is not in the set any more)
    if (::epoll_ctl(poll, EPOLL_CTL_MOD, wants.fd, &event) != 0)
      checked(::epoll_ctl(poll, EPOLL_CTL_ADD, wants.fd, &event), "epoll_ctl");
  }

  void drop_timer(player& x) {
    if (x.due)
      timers.erase({*std::exchange(x.due, std::nullopt), &x});
  }

  void forget(player& x) {
    drop_timer(x);
    x.link.reset();
    players.erase(&x);
  }

  const std::function<void(std::chrono::microseconds)> on_confirmed;
  const int poll;
  const int bell;
  std::mutex mutex;
  std::vector<player_ptr> changed;
  std::map<player*, player_ptr> players;
  std::set<std::pair<steady::time_point, player*>> timers;
  std::atomic<bool> stopping = false;
  std::thread thread;
};

namespace {

class bench_link final : public load::played_link {
public:
  using owner = std::shared_ptr<bench_links::impl>;

  bench_link(owner to, player_ptr x) : to_(std::move(to)), x_(std::move(x)) {}

  ~bench_link() override {
    change([this] {
      x_->gone = true;
      x_->wake = nullptr;
    });
  }

  void attend(std::function<void()> wake) override {
    change([&] { x_->wake = std::move(wake); });
  }

  void add(std::int64_t number, std::string_view frame) override {
    change([&] {
      x_->lines.push_back({number, std::string{frame}, steady::now()});
      x_->bytes += frame.size();
    });
  }

  bool full() const override {
    std::lock_guard lock{to_->mutex};
    return x_->full || x_->bytes > most_waiting_bytes;
  }

  void end(bool soon) override {
    change([&] {
      x_->end = true;
      x_->soon = x_->soon || soon;
    });
  }

  bool over() const override {
    return x_->over;
  }

private:
  template <class F>
  void change(F f) {
    auto tell = false;
    {
      std::lock_guard lock{to_->mutex};
      f();
      tell = to_->notify(x_);
    }
    if (tell)
      to_->ring();
  }

  const owner to_;
  const player_ptr x_;
};

} // namespace

bench_links::bench_links(
  std::function<void(std::chrono::microseconds)> on_confirmed)
  : impl_(std::make_shared<impl>(std::move(on_confirmed))) {}

bench_links::~bench_links() = default;

std::unique_ptr<load::played_link>
bench_links::dial(const std::string& workspace, const crypto::bytes& key) {
  auto link = runner::worker_link::make(workspace, key, {});
  if (!link)
    return nullptr;
  return std::make_unique<bench_link>(
    impl_, std::make_shared<player>(std::move(link)));
}

} // namespace cuttle
