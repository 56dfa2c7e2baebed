#pragma once

#include <string>
#include <vector>

#include "programs/cuttle/commands.hpp"

namespace cuttle {

class scenario_stage;

/// One of the end-to-end scenarios of `worker-behaviour` 19, to be watched on
/// the embedded cluster or a real one.
struct scenario {
  /// 1 to 13, of E2E-01 to E2E-13.
  unsigned number;
  /// What `--scenario` takes, besides `E2E-01` and the number.
  std::string name;
  std::string title;
  /// What is played, and why that matters to a person who deploys.
  std::string why;
  /// Plays it and notes what was expected.
  void (*play)(scenario_stage& stage);
  /// Versions of Kubernetes to play it on; none: as it comes.
  std::vector<std::string> versions = {};
  /// Whether the worker is registered from the start.
  bool registered = true;
};

/// All, by number.
const std::vector<scenario>& scenarios();

/// By name, `E2E-07` or `7`, in any case; null if there is none.
const scenario* find_scenario(const std::string& name);

/// Name and title of each, one a line, for a person.
std::string scenario_list();

/// `cuttle demo --scenario`: plays one and shows it, with a list of what was
/// expected at the end. `list` shows what there is. Returns 0 only if every
/// expectation held, 1 if one did not or nothing could be played, 2 for an
/// unknown name, 3 when all held but the scenario asks for something that is
/// not here.
int run_scenario(const demo_options& options, const std::string& name);

} // namespace cuttle
