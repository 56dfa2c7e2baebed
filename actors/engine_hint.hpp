#pragma once

#include <string_view>

namespace cuttle {

/// Whether a script builds a container image, as a step with an inline
/// execution container does [LIM-01].
bool builds_an_image(std::string_view script);

/// What a person should know about a line in which a container engine was
/// missed: one sentence for the task log; empty for any other line. It never
/// changes what the script does [LIM-01], [LIM-02], [LIM-05].
std::string_view engine_hint(std::string_view line, bool builds_image);

} // namespace cuttle
