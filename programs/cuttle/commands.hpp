#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "infra/settings/log_level.hpp"

namespace cuttle {

/// Options of `cuttle run`.
struct run_options {
  /// Instead of the service account of the pod.
  std::optional<std::filesystem::path> kubeconfig;
};

/// The worker. Returns the process's exit code: 0 after a drain, 1 when it can
/// not start or broke, 2 for wrong settings.
int run_worker(const run_options& options);

/// Options of `cuttle demo`.
struct demo_options {
  /// A real cluster instead of the embedded one.
  std::optional<std::filesystem::path> kubeconfig;
  /// Image of the steps on a real cluster.
  std::string image = "octopusdeploy/worker-tools:ubuntu.24.04";
  /// Image of the step that names one: another one that has bash.
  std::string custom_image = "ubuntu:24.04";
  /// The server dials the worker instead of being polled.
  bool listening = false;
  /// Stay up after the release and take other workers.
  bool serve = false;
  /// Show verbose lines of the task logs.
  bool verbose = false;
  /// Never use colours.
  bool plain = false;
  /// Level of the worker's and the embedded parts' own log, on standard error.
  settings::log_level log_level = settings::log_level::warn;
  /// Instead of the release: one of the scenarios, or `list`.
  std::optional<std::string> scenario;
};

/// Plays a small release on an embedded server, a cluster and a worker. Returns
/// 0 only if each step ended as it should.
int run_demo(const demo_options& options);

} // namespace cuttle
