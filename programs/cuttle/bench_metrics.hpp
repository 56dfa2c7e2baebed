#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "infra/load/result.hpp"

namespace cuttle {

/// Where the last worker that wrote into `log` serves its metrics; 0 when it
/// does not say so.
std::uint16_t metrics_port(const std::filesystem::path& log);

/// The value of a metric without labels, from `http://127.0.0.1:port/metrics`;
/// nothing when it does not come within a second. Blocks.
std::optional<double> metric_of(std::uint16_t port, const std::string& name);

/// A page of metrics; empty when it does not come within a second. Blocks.
std::string metrics_page(std::uint16_t port);

/// What a histogram of seconds without labels says on such a page; nothing when
/// it is not there, or has counted nothing.
std::optional<load::own_time> own_time_of(std::string_view page,
                                          std::string_view name);

} // namespace cuttle
