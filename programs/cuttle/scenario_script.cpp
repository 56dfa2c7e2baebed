#include <algorithm>

#include "programs/cuttle/scenario_stage.hpp"

namespace cuttle {

bool scenario_script::ended() const {
  std::lock_guard lock{mutex_};
  return result_.has_value();
}

bool scenario_script::printed(const std::string& text) const {
  std::lock_guard lock{mutex_};
  return std::find(texts_.begin(), texts_.end(), text) != texts_.end();
}

sim::script_result scenario_script::result() const {
  std::lock_guard lock{mutex_};
  return result_.value_or(sim::script_result{});
}

std::vector<std::string> own_lines(const sim::script_result& result) {
  std::vector<std::string> lines;
  // Between such a marker and the default one are words of the worker.
  auto marked = false;
  for (auto& line : result.lines)
    if (line.text.starts_with("##octopus[stdout-"))
      marked = line.text != "##octopus[stdout-default]";
    else if (line.source == output_source::out && !marked
             && !line.text.starts_with("[POD EVENT]")
             && !line.text.starts_with("Kubernetes Script Pod "))
      lines.push_back(line.text);
  return lines;
}

bool has_part(const sim::script_result& result, const std::string& part) {
  return std::any_of(result.lines.begin(), result.lines.end(), [&](auto& x) {
    return x.text.find(part) != std::string::npos;
  });
}

} // namespace cuttle
