#pragma once

#include <optional>
#include <string>
#include <vector>

#include "messages/failure.hpp"
#include "messages/script.hpp"

namespace cuttle {

/// One step of the demo's release, and how it ought to end.
struct demo_step {
  std::string name;
  std::string body;
  /// The custom container that the step names.
  std::optional<std::string> image;
  std::vector<std::string> arguments;
  std::int32_t expected_exit = 0;
  /// A line that the task log must have.
  std::string expected_line;
  /// Cancelled by the user when `expected_line` is there.
  bool cancelled = false;
};

/// Steps that run side by side.
struct demo_stage {
  std::string title;
  std::vector<demo_step> lanes;
};

/// The release that the demo plays. `package` is the path at which the server
/// has uploaded a file, `package_sha1` its digest; `custom_image` is what the
/// step with a container of its own names.
std::vector<demo_stage> make_demo_release(const std::string& package,
                                          const std::string& package_sha1,
                                          const std::string& custom_image);

/// How a step ended, against how it ought to: empty if well, else a sentence.
std::string judge_step(const demo_step& step, bool cancelled,
                       std::int32_t exit_code, const failure& trouble,
                       const std::vector<output_line>& lines);

} // namespace cuttle
