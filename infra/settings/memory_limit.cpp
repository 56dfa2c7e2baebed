#include "infra/settings/memory_limit.hpp"

#include <algorithm>
#include <fstream>

#include "infra/settings/environment_reader.hpp"

namespace cuttle::settings {

namespace {

constexpr std::uint64_t mib = 1024 * 1024;

// Version 1 says "no limit" as a number of pages that no machine has.
constexpr std::uint64_t no_limit = std::uint64_t{1} << 60;

std::optional<std::uint64_t> bytes_in(const std::filesystem::path& path) {
  std::ifstream file{path};
  std::string line;
  if (!std::getline(file, line))
    return std::nullopt;
  auto result = parse_number(line);
  return result && *result > 0 && *result < no_limit ? result : std::nullopt;
}

} // namespace

std::optional<std::uint64_t> memory_limit(const std::filesystem::path& cgroup) {
  if (auto limit = bytes_in(cgroup / "memory.max"))
    return limit;
  return bytes_in(cgroup / "memory" / "memory.limit_in_bytes");
}

void fit_to_memory(environment_settings& values, const environment& env,
                   std::optional<std::uint64_t> memory) {
  constexpr std::uint64_t least = 4 * mib;
  const std::uint64_t most = values.log_total_bytes;
  if (!memory || env("CUTTLE_LOG_TOTAL_BYTES").value_or("") != "")
    return;
  auto share = static_cast<std::size_t>(std::clamp(*memory / 8, least, most));
  values.log_total_bytes = std::max(share, values.log_buffer_bytes);
}

} // namespace cuttle::settings
