#include "programs/cuttle/bench_worker.hpp"

#include <cstdlib>
#include <ctime>
#include <fstream>

namespace cuttle {

namespace {

// A value in KiB of /proc/<process>/status, in MiB.
double mib_of(const std::string& line) {
  constexpr double kib_per_mib = 1'024;
  return std::strtod(line.c_str() + line.find(':') + 1, nullptr) / kib_per_mib;
}

} // namespace

std::optional<process_usage> usage_of(pid_t process) {
  process_usage result;
  clockid_t clock{};
  timespec time{};
  if (clock_getcpuclockid(process, &clock) != 0
      || clock_gettime(clock, &time) != 0)
    return std::nullopt;
  result.cpu_seconds = static_cast<double>(time.tv_sec)
                       + static_cast<double>(time.tv_nsec) / 1e9;
  std::ifstream status{"/proc/" + std::to_string(process) + "/status"};
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:"))
      result.resident_mib = mib_of(line);
    else if (line.starts_with("VmHWM:"))
      result.peak_mib = mib_of(line);
    else if (line.starts_with("Threads:"))
      result.threads = static_cast<unsigned>(
        std::strtoul(line.c_str() + line.find(':') + 1, nullptr, 10));
  std::error_code error;
  std::filesystem::directory_iterator open{
    "/proc/" + std::to_string(process) + "/fd", error};
  for (auto i = begin(open); !error && i != end(open); i.increment(error))
    ++result.descriptors;
  return result.resident_mib > 0 ? std::optional{result} : std::nullopt;
}

} // namespace cuttle
