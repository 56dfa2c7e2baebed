#include <algorithm>
#include <cstdint>
#include <fstream>
#include <optional>
#include <sched.h>

#include "infra/settings/environment_reader.hpp"
#include "infra/settings/settings.hpp"

namespace cuttle::settings {

namespace {

std::optional<std::string> first_line(const std::filesystem::path& path) {
  std::ifstream file{path};
  std::string line;
  if (!std::getline(file, line))
    return std::nullopt;
  return line;
}

// Microseconds of processor time in each period, rounded up to processors.
std::optional<std::uint64_t> processors(std::string_view quota,
                                        std::string_view period) {
  auto numerator = parse_number(quota);
  auto denominator = parse_number(period);
  if (!numerator || !denominator || *denominator == 0)
    return std::nullopt;
  return *numerator / *denominator + (*numerator % *denominator != 0);
}

// cgroup v2: `<quota or max> <period>`.
std::optional<std::uint64_t> unified(const std::filesystem::path& cgroup) {
  auto line = first_line(cgroup / "cpu.max");
  if (!line)
    return std::nullopt;
  auto space = line->find(' ');
  if (space == std::string::npos)
    return std::nullopt;
  std::string_view text = *line;
  return processors(text.substr(0, space), text.substr(space + 1));
}

// cgroup v1: two files, the quota is -1 if there is none.
std::optional<std::uint64_t> legacy(const std::filesystem::path& cgroup) {
  for (auto controller : {"cpu", "cpu,cpuacct"}) {
    auto quota = first_line(cgroup / controller / "cpu.cfs_quota_us");
    auto period = first_line(cgroup / controller / "cpu.cfs_period_us");
    if (quota && period)
      return processors(*quota, *period);
  }
  return std::nullopt;
}

std::uint64_t available() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0)
    return 1;
  return static_cast<std::uint64_t>(std::max(CPU_COUNT(&set), 1));
}

} // namespace

unsigned cpu_limit(const std::filesystem::path& cgroup) {
  auto quota = unified(cgroup);
  if (!quota)
    quota = legacy(cgroup);
  auto limit = std::min(quota.value_or(available()), available());
  return static_cast<unsigned>(std::max<std::uint64_t>(limit, 1));
}

} // namespace cuttle::settings
