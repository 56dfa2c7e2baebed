#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "programs/cuttle/bench.hpp"

namespace cuttle {

/// The command line of `cuttle bench`.
class bench_flags {
public:
  /// Adds the subcommand. The object must live as long as the app.
  explicit bench_flags(CLI::App& app);

  CLI::App& command() {
    return *command_;
  }

  /// The options, once the app has parsed; a failure is one line about what is
  /// wrong with a profile.
  outcome<bench_options> options();

private:
  template <class Value>
  CLI::Option* member(const char* flag, const char* name, const char* text);

  outcome<load::load_profile> read(const std::string& file) const;

  CLI::App* command_;
  bench_options options_;
  std::vector<std::string> files_;
  // What flags change in each profile.
  nlohmann::json changes_ = nlohmann::json::object();
  std::vector<std::string> settings_;
  // Sizes of a curve.
  std::vector<std::uint64_t> at_once_;
};

} // namespace cuttle
