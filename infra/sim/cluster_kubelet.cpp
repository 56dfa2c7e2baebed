#include "infra/sim/cluster_kubelet.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <csignal>
#include <exception>
#include <pthread.h>

#include "infra/sim/cluster_clock.hpp"
#include "infra/sim/cluster_kubelet_impl.hpp"
#include "infra/sim/cluster_pod.hpp"
#include "infra/telemetry/log.hpp"

namespace asio = boost::asio;

namespace cuttle::sim {

namespace {

using clock_type = std::chrono::steady_clock;

constexpr auto for_ever = clock_type::time_point::max();
constexpr std::chrono::seconds shutdown_limit{10};

} // namespace

asio::awaitable<void> kubelet::impl::live(life_ptr life) {
  try {
    co_await up_to_the_end(life);
  } catch (const std::exception& e) {
    telemetry::error("embedded-cluster-pod-broke",
                     {{"pod", life->name}, {"what", e.what()}});
  }
  while (!life->deleting)
    co_await wait(life, for_ever);
  set_status(
    life, [](nlohmann::json& pod) { mark_sidecars_ended(pod, cluster_now()); });
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

void kubelet::impl::check_idle() {
  if (closing && lives.empty() && !idle_told) {
    idle_told = true;
    idle.set_value();
  }
}

void kubelet::impl::run_loop() {
  pthread_setname_np(pthread_self(), "kubelet");
  for (;;) {
    try {
      io.run();
      return;
    } catch (const std::exception& e) {
      telemetry::error("embedded-cluster-kubelet-threw", {{"what", e.what()}});
    }
  }
}

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

void kubelet::set_places(unsigned count) {
  boost::asio::post(impl_->io, [this, count] {
    impl_->places = count;
    impl_->wake_queue();
  });
}

void kubelet::kill(const std::string& uid) {
  impl_->order(uid, [](pod_life& life) { life.killed = true; });
}

void kubelet::kill_for_memory(const std::string& uid) {
  impl_->order(uid, [](pod_life& life) {
    if (!life.process || life.process->exited())
      return;
    life.out_of_memory = true;
    life.process->signal(SIGKILL);
  });
}

std::shared_ptr<container_log> kubelet::log(const std::string& uid) const {
  std::lock_guard lock{impl_->mutex};
  auto found = impl_->logs.find(uid);
  return found == impl_->logs.end() ? nullptr : found->second;
}

} // namespace cuttle::sim
