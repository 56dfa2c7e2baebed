#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include "infra/octopus/mistake.hpp"
#include "infra/settings/settings.hpp"

namespace cuttle {

/// Options of `cuttle register`.
struct register_options {
  /// Instead of the service account of the pod.
  std::string kubeconfig;
  /// Instead of the environment's or the credentials' own.
  std::string namespace_name;
  /// See `register_overrides`.
  std::string existing;
  std::filesystem::path ca_file;
  /// A change that can not be applied to a worker that is registered already
  /// is a failure; else it is a warning, and the worker goes on as it is.
  bool strict = false;
  /// How long each of server, polling addresses and cluster may be waited for.
  std::chrono::milliseconds patience{8'000};
};

/// What was done.
struct register_result {
  enum class kind : std::uint8_t { unchanged, changed, registered, kept };
  kind what = kind::unchanged;
  /// Why a change could not be applied; only with `kept`.
  octopus::trouble why;
};

/// Registers the worker, or brings its registration up to date
/// (`install-and-register` 6, `worker-behaviour` 2.8 to 2.10). Blocks. Nothing
/// is lost when it is interrupted at any point: our identity is stored before
/// the server hears of it, and a record with our certificate is ours.
octopus::answer<register_result>
register_once(const register_options& options,
              const settings::environment& env);

/// `cuttle register`: the same with log lines. Returns the process's exit code:
/// 0 when the worker is registered, 1 when it is not, 2 for wrong settings. The
/// sentence of a failure also goes to `/dev/termination-log`, if that is there.
int run_register(const register_options& options);

} // namespace cuttle
