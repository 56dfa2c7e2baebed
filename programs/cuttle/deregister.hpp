#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "infra/octopus/mistake.hpp"
#include "infra/settings/settings.hpp"

namespace cuttle {

/// Options of `cuttle deregister`.
struct deregister_options {
  std::string kubeconfig;
  std::string namespace_name;
  std::filesystem::path ca_file;
  /// Which worker, when its config map is gone; else the stored one counts.
  std::string thumbprint;
  std::chrono::milliseconds patience{8'000};
};

/// Deletes the records that have the worker's certificate, and then the
/// registration in its config map; the identity stays (`install-and-register`
/// 6.5). Server and space are those of the registration, the environment's
/// where there is none. Returns how many records there were; none is a success.
/// Blocks.
octopus::answer<std::size_t> deregister_once(const deregister_options& options,
                                             const settings::environment& env);

/// `cuttle deregister`, with log lines. Returns 0, 1 or 2 as `run_register`.
int run_deregister(const deregister_options& options);

} // namespace cuttle
