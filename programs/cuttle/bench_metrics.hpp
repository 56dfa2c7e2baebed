#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace cuttle {

/// Where the last worker that wrote into `log` serves its metrics; 0 when it
/// does not say so.
std::uint16_t metrics_port(const std::filesystem::path& log);

/// The value of a metric without labels, from `http://127.0.0.1:port/metrics`;
/// nothing when it does not come within a second. Blocks.
std::optional<double> metric_of(std::uint16_t port, const std::string& name);

} // namespace cuttle
