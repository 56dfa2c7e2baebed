#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "infra/crypto/identity.hpp"
#include "infra/disk/disk_pool.hpp"
#include "infra/halibut/io_thread.hpp"
#include "infra/kubernetes/api_client.hpp"
#include "infra/sim/octopus_server.hpp"
#include "programs/cuttle/commands.hpp"
#include "programs/cuttle/demo_cluster.hpp"
#include "programs/cuttle/demo_screen.hpp"
#include "programs/cuttle/own_program.hpp"
#include "programs/cuttle/stop_signal.hpp"
#include "programs/cuttle/surroundings.hpp"

namespace cuttle {

/// A script on its way, as the server sees it. Thread-safe.
class scenario_script {
public:
  explicit scenario_script(std::string name) : name_(std::move(name)) {}

  const std::string& name() const {
    return name_;
  }

  bool ended() const;
  /// Whether the script itself has printed that line.
  bool printed(const std::string& text) const;
  /// Valid once `ended`.
  sim::script_result result() const;

private:
  friend class scenario_stage;
  std::string name_;
  script_ticket ticket_;
  mutable std::mutex mutex_;
  demo_screen::mode mode_ = demo_screen::mode::normal;
  std::optional<process_state> shown_;
  std::vector<std::string> texts_;
  std::optional<sim::script_result> result_;
};

using scenario_script_ptr = std::shared_ptr<scenario_script>;

/// What a script itself printed on standard output: without the worker's own
/// lines.
std::vector<std::string> own_lines(const sim::script_result& result);

/// Whether a line of the task log has that part.
bool has_part(const sim::script_result& result, const std::string& part);

/// Server, cluster and worker of a scenario, where the worker is a process that
/// can be killed. Shows the task logs and the worker's own events as they come,
/// and keeps what was expected. For one thread.
class scenario_stage {
public:
  struct check {
    std::string expectation;
    bool held = false;
    /// What was found instead.
    std::string found;
  };

  /// `version` is what the embedded cluster calls itself; empty: its default.
  scenario_stage(const demo_options& options, const std::string& version,
                 demo_screen& screen, stop_signal& stop);
  ~scenario_stage();

  scenario_stage(const scenario_stage&) = delete;
  scenario_stage& operator=(const scenario_stage&) = delete;

  /// Server and cluster; the worker is for the scenario to start. Without
  /// `registered`, config map and secret are empty. Blocks.
  outcome<void> prepare(bool registered);

  // -- what a scenario does -------------------------------------------------

  /// Says what is done now.
  void note(const std::string& text);

  /// Starts `cuttle run` and waits for its connection; notes an expectation
  /// that did not hold if there is none in time.
  bool start_worker();
  /// Kills it as a lost node does, without a word.
  void kill_worker();
  /// Asks it to end, as Kubernetes does; returns its exit code.
  int stop_worker();
  /// Process id of the worker that runs.
  pid_t worker_id() const;

  /// Runs another command of this program to its end; returns its exit code.
  int run_command(std::vector<std::string> arguments,
                  const std::map<std::string, std::string>& more);

  scenario_script_ptr start(const std::string& name, start_script command);
  void cancel(const scenario_script& script);
  /// Waits until the script has printed that line.
  bool sees(const scenario_script& script, const std::string& text);
  /// Waits for the end; a script that has none in time has an empty result and
  /// a check that did not hold.
  sim::script_result wait(const scenario_script& script);
  /// Waits until `ready`, at most a minute, showing what the worker says.
  bool wait_until(const std::function<bool()>& ready);

  /// Notes an expectation.
  void expect(const std::string& what, bool held,
              const std::string& found = {});

  /// Why this is not quite what the scenario asks for; the exit code tells.
  void lacks(const std::string& what);

  // -- the cluster as a person sees it --------------------------------------

  static std::string pod_name(const scenario_script& script);
  /// An object of the namespace, or null: `pods/NAME`, `configmaps/NAME`.
  nlohmann::json get(const std::string& path);
  bool create(const std::string& resource, nlohmann::json object);
  bool remove(const std::string& path, int grace_seconds);
  /// Waits until pod and workspace of the script are gone, and notes that.
  void expect_gone(const scenario_script& script);
  /// Such as `v1.32.4`; empty when the cluster does not say.
  std::string cluster_version();

  // -- where and what -------------------------------------------------------

  bool embedded() const {
    return !options_.kubeconfig;
  }
  const std::string& image() const {
    return options_.image;
  }
  const std::filesystem::path& home() const {
    return home_;
  }
  const std::filesystem::path& folder() const {
    return folder_.path();
  }
  sim::octopus_server& server() {
    return *server_;
  }
  /// Environment of the worker; may be changed before `start_worker`.
  std::map<std::string, std::string>& environment() {
    return environment_;
  }
  /// For a worker that registers itself: its polling address.
  void set_subscription(std::string uri) {
    subscription_ = std::move(uri);
  }
  const std::string& subscription() const {
    return subscription_;
  }
  /// Access for other commands of this program.
  std::filesystem::path kubeconfig() const {
    return cluster_->kubeconfig();
  }
  const std::string& worker_log_text() const {
    return worker_text_;
  }

  const std::vector<check>& checks() const {
    return checks_;
  }
  const std::vector<std::string>& lacking() const {
    return lacking_;
  }

private:
  outcome<void> start_server();
  outcome<void> start_cluster(bool registered);
  void make_environment(const std::filesystem::path& runner);
  void show_worker_log();
  outcome<std::string> call(const std::string& method, const std::string& path,
                            const std::string& body);
  std::string in_namespace(const std::string& path) const;

  const demo_options& options_;
  const std::string version_;
  demo_screen& screen_;
  stop_signal& stop_;
  temporary_folder folder_{"cuttle-scenario-"};
  halibut::io_thread links_;
  disk::disk_pool disk_;
  std::atomic<int> connections_ = 0;
  std::string subscription_;
  std::unique_ptr<sim::octopus_server> server_;
  std::unique_ptr<demo_cluster> cluster_;
  std::unique_ptr<kubernetes::api_client> api_;
  std::unique_ptr<own_program> worker_;
  std::filesystem::path home_;
  std::filesystem::path worker_log_;
  std::string worker_text_;
  std::size_t shown_ = 0;
  int commands_ = 0;
  std::map<std::string, std::string> environment_;
  std::vector<check> checks_;
  std::vector<std::string> lacking_;
};

} // namespace cuttle
