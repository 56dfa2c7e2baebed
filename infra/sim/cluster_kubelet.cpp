#include "infra/sim/cluster_kubelet.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <csignal>
#include <deque>
#include <exception>
#include <future>
#include <map>
#include <mutex>
#include <pthread.h>
#include <thread>
#include <unistd.h>

#include "infra/sim/cluster_environment.hpp"
#include "infra/sim/cluster_manifest.hpp"
#include "infra/sim/cluster_pod.hpp"
#include "infra/sim/cluster_process.hpp"
#include "infra/sim/cluster_text.hpp"
#include "infra/telemetry/log.hpp"

namespace asio = boost::asio;

namespace cuttle::sim {

namespace {

using clock_type = std::chrono::steady_clock;
using wall_clock = std::chrono::system_clock;

constexpr auto as_values = asio::as_tuple(asio::use_awaitable);
constexpr auto for_ever = clock_type::time_point::max();

/// Output that is still held open by a process that escaped is given up after
/// this long.
constexpr std::chrono::seconds drain_limit{2};
constexpr std::chrono::seconds longest_back_off{60};
constexpr std::chrono::seconds shutdown_limit{10};

/// One pod on its way; lives on the kubelet's thread.
struct pod_life {
  pod_life(asio::io_context& io, object_ptr object)
    : pod(object->value), name(object->name), uid(object->uid),
      container(text_at(script_container(object->value), "/name")), wake(io),
      out(io), err(io), ended(io) {}

  /// Whether it must not make progress any more.
  bool stopping() const {
    return deleting || killed;
  }

  const nlohmann::json pod;
  const std::string name;
  const std::string uid;
  const std::string container;
  /// Cancelled whenever something about the pod changed.
  asio::steady_timer wake;
  bool deleting = false;
  bool killed = false;
  bool out_of_memory = false;
  clock_type::time_point kill_at = for_ever;
  std::shared_ptr<container_log> log;
  child_process child;
  asio::posix::stream_descriptor out;
  asio::posix::stream_descriptor err;
  asio::posix::stream_descriptor ended;
  unsigned pumps = 0;
  bool exited = false;
  int exit_code = 0;
};

using life_ptr = std::shared_ptr<pod_life>;

} // namespace

struct kubelet::impl {
  impl(cluster_store& s, event_recorder& e, options o)
    : store(s), events(e), opts(std::move(o)), work(io.get_executor()) {}

  using nothing = asio::awaitable<void>;

  // -- helpers --------------------------------------------------------------

  /// Until `until`, or until something about the pod changed.
  nothing wait(life_ptr life, clock_type::time_point until) {
    life->wake.expires_at(until);
    auto [ignored] = co_await life->wake.async_wait(as_values);
    (void)ignored;
  }

  nothing pause(life_ptr life, clock_type::duration time) {
    auto until = clock_type::now() + time;
    while (!life->stopping() && clock_type::now() < until)
      co_await wait(life, until);
  }

  template <class Change>
  void set_status(const life_ptr& life, Change change) {
    auto apply = [&](nlohmann::json& pod) -> std::optional<api_error> {
      change(pod);
      return std::nullopt;
    };
    // A pod that is gone meanwhile needs no status.
    (void)store.update("pods", life->name, life->uid, apply);
  }

  void event(const life_ptr& life, const char* type, const char* reason,
             const std::string& message) {
    events.kubelet(life->pod, life->container, type, reason, message);
  }

  void wait_for(const life_ptr& life, const std::string& reason,
                const std::string& message) {
    set_status(
      life, [&](nlohmann::json& pod) { mark_waiting(pod, reason, message); });
  }

  // -- steps of a pod's life ------------------------------------------------

  /// Waits for a place on the node; false when the pod ends before.
  asio::awaitable<bool> place(life_ptr life) {
    if (active >= opts.processes || !queue.empty()) {
      queue.push_back(life);
      constexpr auto why = "0/1 nodes are available: 1 Too many pods. "
                           "preemption: 0/1 nodes are available: 1 No "
                           "preemption victims found for incoming pod.";
      set_status(life,
                 [&](nlohmann::json& pod) { mark_unschedulable(pod, why); });
      events.scheduler(life->pod, "Warning", "FailedScheduling", why);
      while (!life->stopping()
             && (queue.front() != life || active >= opts.processes))
        co_await wait(life, for_ever);
      queue.erase(std::find(queue.begin(), queue.end(), life));
      wake_queue();
    }
    if (life->stopping())
      co_return false;
    ++active;
    wake_queue();
    co_return true;
  }

  void wake_queue() {
    if (!queue.empty() && active < opts.processes)
      queue.front()->wake.cancel();
  }

  void leave_place() {
    --active;
    wake_queue();
  }

  void bind(const life_ptr& life) {
    set_status(life, [](nlohmann::json& pod) {
      mark_scheduled(pod, wall_clock::now());
    });
    events.scheduler(life->pod, "Normal", "Scheduled",
                     "Successfully assigned "
                       + text_at(life->pod, "/metadata/namespace") + '/'
                       + life->name + " to " + node_name);
  }

  nothing pull(life_ptr life) {
    auto image = text_at(script_container(life->pod), "/image");
    auto absent
      = std::find(opts.missing_images.begin(), opts.missing_images.end(), image)
        != opts.missing_images.end();
    std::chrono::milliseconds back_off = opts.pull_back_off;
    while (!life->stopping()) {
      event(life, "Normal", "Pulling", "Pulling image \"" + image + '"');
      co_await pause(life, opts.pull_delay);
      if (life->stopping())
        co_return;
      if (!absent) {
        auto took = std::to_string(opts.pull_delay.count()) + "ms";
        event(life, "Normal", "Pulled",
              "Successfully pulled image \"" + image + "\" in " + took + " ("
                + took + " including waiting). Image size: 31457280 bytes.");
        co_return;
      }
      auto why = "rpc error: code = NotFound desc = failed to pull and unpack "
                 "image \""
                 + image + "\": failed to resolve reference \"" + image
                 + "\": " + image + ": not found";
      event(life, "Warning", "Failed",
            "Failed to pull image \"" + image + "\": " + why);
      event(life, "Warning", "Failed", "Error: ErrImagePull");
      wait_for(life, "ErrImagePull", why);
      co_await pause(life, back_off / 2);
      if (life->stopping())
        co_return;
      event(life, "Normal", "BackOff",
            "Back-off pulling image \"" + image + '"');
      event(life, "Warning", "Failed", "Error: ImagePullBackOff");
      wait_for(life, "ImagePullBackOff",
               "Back-off pulling image \"" + image
                 + "\": ErrImagePull: " + why);
      co_await pause(life, back_off / 2);
      back_off
        = std::min<std::chrono::milliseconds>(back_off * 2, longest_back_off);
    }
  }

  /// Resolves what the container's environment refers to, however long it takes
  /// to appear; nothing when the pod ends before.
  asio::awaitable<std::optional<process_spec>> configure(life_ptr life) {
    while (!life->stopping()) {
      auto spec = make_process_spec(life->pod, store);
      if (spec)
        co_return std::move(*spec);
      event(life, "Warning", "Failed", "Error: " + spec.error().message);
      wait_for(life, spec.error().reason, spec.error().message);
      co_await pause(life, opts.pull_back_off);
    }
    co_return std::nullopt;
  }

  /// Starts the process; false when that failed, which ends the container.
  bool start(const life_ptr& life, const process_spec& spec) {
    auto stem = opts.log_directory / life->uid;
    life->log = std::make_shared<container_log>(
      stem, opts.rotate_bytes, [this, uid = life->uid] { opts.on_log(uid); });
    {
      std::lock_guard lock{mutex};
      logs[life->uid] = life->log;
    }
    event(life, "Normal", "Created", "Created container: " + life->container);
    auto child = start_process(spec);
    auto now = wall_clock::now();
    if (!child) {
      auto why = "failed to create containerd task: failed to create shim "
                 "task: OCI runtime create failed: "
                 + child.error().text + ": unknown";
      event(life, "Warning", "Failed", "Error: " + why);
      life->log->finish();
      set_status(life, [&](nlohmann::json& pod) {
        mark_running(pod, now);
        mark_ended(pod, {128, "StartError", why, {}, now});
      });
      return false;
    }
    life->child = std::move(*child);
    life->out.assign(life->child.out.release());
    life->err.assign(life->child.err.release());
    life->ended.assign(life->child.ended.release());
    life->pumps = 2;
    asio::co_spawn(io, pump(life, true), asio::detached);
    asio::co_spawn(io, pump(life, false), asio::detached);
    asio::co_spawn(io, watch_exit(life), asio::detached);
    set_status(life, [&](nlohmann::json& pod) { mark_running(pod, now); });
    event(life, "Normal", "Started", "Started container " + life->container);
    return true;
  }

  /// Moves one output of the process to the log.
  nothing pump(life_ptr life, bool out) {
    auto& source = out ? life->out : life->err;
    auto which = out ? container_log::stream::out : container_log::stream::err;
    for (;;) {
      auto [error] = co_await source.async_wait(
        asio::posix::stream_descriptor::wait_read, as_values);
      if (error)
        break;
      auto n = ::read(source.native_handle(), buffer.data(), buffer.size());
      if (n < 0 && (errno == EAGAIN || errno == EINTR))
        continue;
      if (n <= 0)
        break;
      life->log->append(which, {buffer.data(), static_cast<std::size_t>(n)});
    }
    --life->pumps;
    life->wake.cancel();
  }

  nothing watch_exit(life_ptr life) {
    for (;;) {
      auto [error] = co_await life->ended.async_wait(
        asio::posix::stream_descriptor::wait_read, as_values);
      if (error)
        co_return;
      kill_stragglers(life->child.pid, life->uid);
      life->exit_code = reap(life->child);
      if (life->exit_code >= 0)
        break;
    }
    life->exited = true;
    life->wake.cancel();
  }

  /// Waits for the end of the process and of its output, and passes signals on.
  nothing run(life_ptr life) {
    bool told = false, killed = false;
    auto give_up = for_ever;
    while (!life->exited || life->pumps != 0) {
      auto now = clock_type::now();
      auto next = give_up;
      if (life->exited) {
        if (give_up == for_ever)
          next = give_up = now + drain_limit;
        if (now >= give_up) {
          life->out.cancel();
          life->err.cancel();
          next = for_ever;
        }
      } else {
        if (life->deleting && !told) {
          told = true;
          event(life, "Normal", "Killing",
                "Stopping container " + life->container);
          signal_group(life->child.pid, SIGTERM);
        }
        if (!killed && (life->killed || now >= life->kill_at)) {
          killed = true;
          signal_group(life->child.pid, SIGKILL);
        }
        next = killed ? for_ever : life->kill_at;
      }
      co_await wait(life, next);
    }
    life->log->finish();
  }

  void report_end(const life_ptr& life, timestamp started) {
    container_end end;
    end.exit_code = life->exit_code;
    end.reason = life->out_of_memory    ? "OOMKilled"
                 : life->exit_code == 0 ? "Completed"
                                        : "Error";
    end.started = started;
    end.finished = wall_clock::now();
    set_status(life, [&](nlohmann::json& pod) {
      mark_ended(pod, end);
      if (life->stopping())
        mark_sidecars_ended(pod, end.finished);
    });
  }

  nothing up_to_the_end(life_ptr life) {
    if (!co_await place(life))
      co_return;
    bool placed = true;
    std::exception_ptr trouble;
    try {
      co_await pause(life, opts.schedule_delay);
      if (!life->stopping()) {
        bind(life);
        co_await pull(life);
      }
      auto spec = co_await configure(life);
      if (spec && !life->stopping()) {
        auto started = wall_clock::now();
        if (start(life, *spec)) {
          co_await run(life);
          // The place is free before anybody can see the end.
          leave_place();
          placed = false;
          report_end(life, started);
        }
      }
    } catch (...) {
      trouble = std::current_exception();
    }
    if (placed)
      leave_place();
    if (trouble)
      std::rethrow_exception(trouble);
  }

  nothing live(life_ptr life) {
    try {
      co_await up_to_the_end(life);
    } catch (const std::exception& e) {
      telemetry::error("embedded-cluster-pod-broke",
                       {{"pod", life->name}, {"what", e.what()}});
    }
    while (!life->deleting)
      co_await wait(life, for_ever);
    set_status(life, [](nlohmann::json& pod) {
      mark_sidecars_ended(pod, wall_clock::now());
    });
    {
      std::lock_guard lock{mutex};
      logs.erase(life->uid);
    }
    // The log's readers must look again, and find its end.
    opts.on_log(life->uid);
    (void)store.remove("pods", life->name, life->uid);
    lives.erase(life->uid);
    check_idle();
  }

  void check_idle() {
    if (closing && lives.empty() && !idle_told) {
      idle_told = true;
      idle.set_value();
    }
  }

  // -- orders from other threads --------------------------------------------

  template <class Order>
  void order(const std::string& uid, Order give) {
    asio::post(io, [this, uid, give] {
      auto found = lives.find(uid);
      if (found == lives.end())
        return;
      give(*found->second);
      found->second->wake.cancel();
    });
  }

  void run_loop() {
    pthread_setname_np(pthread_self(), "kubelet");
    for (;;) {
      try {
        io.run();
        return;
      } catch (const std::exception& e) {
        telemetry::error("embedded-cluster-kubelet-threw",
                         {{"what", e.what()}});
      }
    }
  }

  cluster_store& store;
  event_recorder& events;
  const options opts;
  std::array<char, 64 * 1024> buffer;
  std::map<std::string, life_ptr> lives;
  std::deque<life_ptr> queue;
  unsigned active = 0;
  bool closing = false;
  bool idle_told = false;
  std::promise<void> idle;
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<container_log>> logs;
  /// After everything that its handlers use.
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work;
  std::thread thread;
};

kubelet::kubelet(cluster_store& store, event_recorder& events, options options)
  : impl_(std::make_unique<impl>(store, events, std::move(options))) {
  impl_->thread = std::thread{[this] { impl_->run_loop(); }};
}

kubelet::~kubelet() {
  auto idle = impl_->idle.get_future();
  asio::post(impl_->io, [this] {
    impl_->closing = true;
    for (auto& [uid, life] : impl_->lives) {
      life->deleting = true;
      life->killed = true;
      life->wake.cancel();
    }
    impl_->check_idle();
  });
  if (idle.wait_for(shutdown_limit) != std::future_status::ready)
    telemetry::error("embedded-cluster-processes-left");
  impl_->io.stop();
  impl_->thread.join();
  // Pods hold parts of the event loop, so they have to go before it.
  impl_->queue.clear();
  impl_->lives.clear();
}

void kubelet::admit(object_ptr pod) {
  asio::post(impl_->io, [this, pod] {
    if (impl_->closing)
      return;
    auto life = std::make_shared<pod_life>(impl_->io, pod);
    impl_->lives.emplace(life->uid, life);
    asio::co_spawn(impl_->io, impl_->live(life), asio::detached);
  });
}

void kubelet::terminate(const std::string& uid, std::chrono::seconds grace) {
  auto kill_at = clock_type::now() + grace;
  impl_->order(uid, [kill_at](pod_life& life) {
    life.deleting = true;
    life.kill_at = std::min(life.kill_at, kill_at);
  });
}

void kubelet::kill(const std::string& uid) {
  impl_->order(uid, [](pod_life& life) { life.killed = true; });
}

void kubelet::kill_for_memory(const std::string& uid) {
  impl_->order(uid, [](pod_life& life) {
    if (life.pumps == 0 || life.exited)
      return;
    life.out_of_memory = true;
    signal_group(life.child.pid, SIGKILL);
  });
}

std::shared_ptr<container_log> kubelet::log(const std::string& uid) const {
  std::lock_guard lock{impl_->mutex};
  auto found = impl_->logs.find(uid);
  return found == impl_->logs.end() ? nullptr : found->second;
}

} // namespace cuttle::sim
