#pragma once

// Internal: for the .cpp files of the kubelet.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <thread>

#include "infra/sim/cluster_container.hpp"
#include "infra/sim/cluster_environment.hpp"
#include "infra/sim/cluster_kubelet.hpp"
#include "infra/sim/cluster_manifest.hpp"
#include "infra/sim/cluster_text.hpp"

namespace cuttle::sim {

/// One pod on its way; lives on the kubelet's thread.
struct pod_life {
  pod_life(boost::asio::io_context& io, object_ptr object)
    : pod(object->value), name(object->name), uid(object->uid),
      container(text_at(script_container(object->value), "/name")), wake(io) {}

  /// Whether it must not make progress any more.
  bool stopping() const {
    return deleting || killed;
  }

  const nlohmann::json pod;
  const std::string name;
  const std::string uid;
  const std::string container;
  /// Cancelled whenever something about the pod changed.
  boost::asio::steady_timer wake;
  bool deleting = false;
  bool killed = false;
  bool out_of_memory = false;
  std::chrono::steady_clock::time_point kill_at
    = std::chrono::steady_clock::time_point::max();
  std::shared_ptr<container_log> log;
  std::shared_ptr<running_container> process;
};

using life_ptr = std::shared_ptr<pod_life>;

struct kubelet::impl {
  using time_point = std::chrono::steady_clock::time_point;
  using nothing = boost::asio::awaitable<void>;

  impl(cluster_store& s, event_recorder& e, options o)
    : store(s), events(e), opts(std::move(o)), work(io.get_executor()) {}

  // -- a pod's life -----------------------------------------------------------

  /// A pod from its creation until its object is gone.
  nothing live(life_ptr life);

  /// The part of it that ends with the container.
  nothing up_to_the_end(life_ptr life);

  /// Waits for a place on the node; false when the pod ends before.
  boost::asio::awaitable<bool> place(life_ptr life);
  void wake_queue();
  void leave_place();

  void bind(const life_ptr& life);
  nothing pull(life_ptr life);

  /// Resolves what the container's environment refers to, however long it takes
  /// to appear; nothing when the pod ends before.
  boost::asio::awaitable<std::optional<process_spec>> configure(life_ptr life);

  /// Starts the process; false when that failed, which ends the container.
  bool start(const life_ptr& life, const process_spec& spec);

  /// Runs or plays it.
  outcome<std::shared_ptr<running_container>>
  make_container(const life_ptr& life, const process_spec& spec);

  /// Waits for the end of the process and of its output, and passes signals on.
  nothing run(life_ptr life);
  void report_end(const life_ptr& life, timestamp started);

  // -- helpers ----------------------------------------------------------------

  /// Until `until`, or until something about the pod changed.
  nothing wait(life_ptr life, time_point until);

  /// As long as `time`, or until the pod has to stop.
  nothing pause(life_ptr life, time_point::duration time);

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
             const std::string& message);
  void wait_for(const life_ptr& life, const std::string& reason,
                const std::string& message);

  /// Passes an order of another thread to a pod's life.
  template <class Order>
  void order(const std::string& uid, Order give) {
    boost::asio::post(io, [this, uid, give] {
      auto found = lives.find(uid);
      if (found == lives.end())
        return;
      give(*found->second);
      found->second->wake.cancel();
    });
  }

  void check_idle();
  void run_loop();

  cluster_store& store;
  event_recorder& events;
  const options opts;
  container_process::read_buffer buffer;
  std::map<std::string, life_ptr> lives;
  std::deque<life_ptr> queue;
  /// Containers that may run at a time, and those that do.
  unsigned places = opts.processes;
  unsigned active = 0;
  bool closing = false;
  bool idle_told = false;
  std::promise<void> idle;
  std::mutex mutex;
  std::map<std::string, std::shared_ptr<container_log>> logs;
  /// After everything that its handlers use.
  boost::asio::io_context io{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work;
  std::thread thread;
};

} // namespace cuttle::sim
