#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "infra/kubernetes/api_client.hpp"
#include "programs/cuttle/stop_signal.hpp"

namespace cuttle {

/// What pods take on a cluster without a worker.
struct bare_result {
  /// From the first request to the last object.
  double pods_per_second = 0;
  /// From the first request until the last pod has ended; nothing if that was
  /// not waited for.
  std::optional<double> seconds{};
};

/// Manifests of that many pods with unique names, made of the pod that the API
/// server showed; empty if it is none. With a `script` that alone is what their
/// first container runs (bash), so that they need no workspace.
std::vector<std::string> bare_manifests(const std::string& pod,
                                        std::uint64_t count,
                                        const std::string& script = {});

/// Creates the pods as fast as the API server takes them, over one connection
/// that is there already, as the worker has it by then. Returns when the first
/// request was sent, once the last one was answered. Blocks.
std::chrono::steady_clock::time_point
create_all(const kubernetes::access& access,
           std::vector<std::string> manifests);

/// Creates the pods, follows them by a watch to their end, and deletes each
/// when it has ended, as a worker does; nothing if they do not end within half
/// an hour, or a signal comes. Blocks.
std::optional<bare_result> run_bare(const kubernetes::access& access,
                                    std::vector<std::string> manifests,
                                    stop_signal& stop);

} // namespace cuttle
