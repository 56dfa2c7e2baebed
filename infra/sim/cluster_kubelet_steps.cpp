#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <exception>

#include "infra/sim/cluster_clock.hpp"
#include "infra/sim/cluster_kubelet_impl.hpp"
#include "infra/sim/cluster_play.hpp"
#include "infra/sim/cluster_pod.hpp"

namespace asio = boost::asio;

namespace cuttle::sim {

namespace {

using clock_type = std::chrono::steady_clock;

constexpr auto as_values = asio::as_tuple(asio::use_awaitable);
constexpr auto for_ever = clock_type::time_point::max();

/// Output that is still held open by a process that escaped is given up after
/// this long.
constexpr std::chrono::seconds drain_limit{2};
constexpr std::chrono::seconds longest_back_off{60};

} // namespace

asio::awaitable<void> kubelet::impl::wait(life_ptr life,
                                          clock_type::time_point until) {
  life->wake.expires_at(until);
  auto [ignored] = co_await life->wake.async_wait(as_values);
  (void)ignored;
}

asio::awaitable<void> kubelet::impl::pause(life_ptr life,
                                           clock_type::duration time) {
  auto until = clock_type::now() + time;
  while (!life->stopping() && clock_type::now() < until)
    co_await wait(life, until);
}

void kubelet::impl::event(const life_ptr& life, const char* type,
                          const char* reason, const std::string& message) {
  events.kubelet(life->pod, life->container, type, reason, message);
}

void kubelet::impl::wait_for(const life_ptr& life, const std::string& reason,
                             const std::string& message) {
  set_status(life,
             [&](nlohmann::json& pod) { mark_waiting(pod, reason, message); });
}

asio::awaitable<bool> kubelet::impl::place(life_ptr life) {
  if (active >= places || !queue.empty()) {
    queue.push_back(life);
    constexpr auto why = "0/1 nodes are available: 1 Too many pods. "
                         "preemption: 0/1 nodes are available: 1 No "
                         "preemption victims found for incoming pod.";
    set_status(life,
               [&](nlohmann::json& pod) { mark_unschedulable(pod, why); });
    events.scheduler(life->pod, "Warning", "FailedScheduling", why);
    while (!life->stopping() && (queue.front() != life || active >= places))
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

void kubelet::impl::wake_queue() {
  if (!queue.empty() && active < places)
    queue.front()->wake.cancel();
}

void kubelet::impl::leave_place() {
  --active;
  wake_queue();
}

void kubelet::impl::bind(const life_ptr& life) {
  set_status(life,
             [](nlohmann::json& pod) { mark_scheduled(pod, cluster_now()); });
  events.scheduler(life->pod, "Normal", "Scheduled",
                   "Successfully assigned "
                     + text_at(life->pod, "/metadata/namespace") + '/'
                     + life->name + " to " + node_name);
}

asio::awaitable<void> kubelet::impl::pull(life_ptr life) {
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
    event(life, "Normal", "BackOff", "Back-off pulling image \"" + image + '"');
    event(life, "Warning", "Failed", "Error: ImagePullBackOff");
    wait_for(life, "ImagePullBackOff",
             "Back-off pulling image \"" + image + "\": ErrImagePull: " + why);
    co_await pause(life, back_off / 2);
    back_off
      = std::min<std::chrono::milliseconds>(back_off * 2, longest_back_off);
  }
}

asio::awaitable<std::optional<process_spec>>
kubelet::impl::configure(life_ptr life) {
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

outcome<std::shared_ptr<running_container>>
kubelet::impl::make_container(const life_ptr& life, const process_spec& spec) {
  auto on_change = [weak = std::weak_ptr<pod_life>{life}] {
    if (auto owner = weak.lock())
      owner->wake.cancel();
  };
  if (opts.player) {
    auto play = opts.player(spec);
    if (!play)
      return tl::unexpected(play.error());
    return std::make_shared<played_container>(io, std::move(*play), life->log,
                                              on_change);
  }
  auto child = start_process(spec);
  if (!child)
    return tl::unexpected(child.error());
  return std::make_shared<container_process>(io, std::move(*child), life->uid,
                                             life->log, buffer, on_change);
}

bool kubelet::impl::start(const life_ptr& life, const process_spec& spec) {
  auto stem = opts.log_directory / life->uid;
  life->log = std::make_shared<container_log>(
    stem, opts.rotate_bytes, [this, uid = life->uid] { opts.on_log(uid); });
  {
    std::lock_guard lock{mutex};
    logs[life->uid] = life->log;
  }
  event(life, "Normal", "Created", "Created container: " + life->container);
  auto container = make_container(life, spec);
  auto now = cluster_now();
  if (!container) {
    auto why = "failed to create containerd task: failed to create shim "
               "task: OCI runtime create failed: "
               + container.error().text + ": unknown";
    event(life, "Warning", "Failed", "Error: " + why);
    life->log->finish();
    set_status(life, [&](nlohmann::json& pod) {
      mark_running(pod, now);
      mark_ended(pod, {128, "StartError", why, {}, now});
    });
    return false;
  }
  life->process = std::move(*container);
  life->process->watch();
  set_status(life, [&](nlohmann::json& pod) { mark_running(pod, now); });
  event(life, "Normal", "Started", "Started container " + life->container);
  return true;
}

asio::awaitable<void> kubelet::impl::run(life_ptr life) {
  auto& process = *life->process;
  bool told = false, killed = false;
  auto give_up = for_ever;
  while (!process.over()) {
    auto now = clock_type::now();
    auto next = for_ever;
    if (process.exited()) {
      give_up = std::min(give_up, now + drain_limit);
      if (now >= give_up)
        process.give_up_output();
      else
        next = give_up;
    } else {
      if (life->deleting && !told) {
        told = true;
        event(life, "Normal", "Killing",
              "Stopping container " + life->container);
        process.signal(SIGTERM);
      }
      if (!killed && (life->killed || now >= life->kill_at)) {
        killed = true;
        process.signal(SIGKILL);
      }
      if (!killed)
        next = life->kill_at;
    }
    co_await wait(life, next);
  }
  life->log->finish();
}

void kubelet::impl::report_end(const life_ptr& life, timestamp started) {
  container_end end;
  end.exit_code = life->process->exit_code();
  end.reason = life->out_of_memory  ? "OOMKilled"
               : end.exit_code == 0 ? "Completed"
                                    : "Error";
  end.started = started;
  end.finished = cluster_now();
  set_status(life, [&](nlohmann::json& pod) {
    mark_ended(pod, end);
    if (life->stopping())
      mark_sidecars_ended(pod, end.finished);
  });
}

asio::awaitable<void> kubelet::impl::up_to_the_end(life_ptr life) {
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
      auto started = cluster_now();
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

} // namespace cuttle::sim
