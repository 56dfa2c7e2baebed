#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "infra/settings/settings.hpp"

namespace cuttle {

/// What the chart would know of a worker that is tried on this machine.
struct installation {
  std::string namespace_name;
  /// For scripts, such as `worker-tools:ubuntu.24.04`; `latest` without a tag.
  std::string image;
  /// The shared volume.
  std::filesystem::path home;
  /// The folder of the in-pod runner.
  std::filesystem::path runner;
};

/// The environment that the chart would give the worker: its objects' names are
/// those that `demo_cluster` makes, probes listen on loopback at any port.
std::map<std::string, std::string> worker_environment(const installation& from);

/// What registration leaves in config map `tentacle-config` for a worker that
/// polls these servers, its certificate aside.
std::map<std::string, std::string>
registered_entries(const std::vector<settings::trusted_server>& servers);

} // namespace cuttle
