#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "infra/load/profile.hpp"

namespace cuttle {

/// Options of `cuttle bench`.
struct bench_options {
  /// Played one after the other, each with parts of its own.
  std::vector<load::load_profile> profiles;
  /// A real cluster instead of the embedded one.
  std::optional<std::filesystem::path> kubeconfig;
  std::string image = "octopusdeploy/worker-tools:ubuntu.24.04";
  /// The embedded cluster runs pods as processes instead of playing them.
  bool processes = false;
  /// Start no worker; say how to connect one, and wait for it.
  bool serve = false;
  /// With `serve`: where the servers listen; the next ports are those of
  /// further servers. 0: any.
  std::string bind = "127.0.0.1";
  std::uint16_t port = 0;
  /// With `serve`: a worker that is installed and registered already. No
  /// cluster is made then; the subscription is that of its registration.
  std::optional<std::string> trust;
  std::optional<std::string> subscription;
  /// With `serve`: its process on this machine, to be measured.
  std::optional<int> worker_process;
  std::optional<std::filesystem::path> json;
  std::optional<std::filesystem::path> html;
  /// Of the last load: what the worker took over time.
  std::optional<std::filesystem::path> svg;
  /// Keep the worker's log here.
  std::optional<std::filesystem::path> worker_log;
  bool quiet = false;
};

/// Plays loads on a worker and reports. Returns 0 when nothing was lost and
/// nothing came or ran twice, 1 otherwise or when it could not be played.
int run_bench(const bench_options& options);

} // namespace cuttle
