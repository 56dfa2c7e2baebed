#include "programs/cuttle/bench_worker.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <fstream>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace cuttle {

namespace {

using namespace std::chrono_literals;

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
  return result.resident_mib > 0 ? std::optional{result} : std::nullopt;
}

bench_worker::bench_worker(
  const std::filesystem::path& kubeconfig,
  const std::map<std::string, std::string>& environment,
  std::filesystem::path log)
  : log_(std::move(log)) {
  std::vector<std::string> arguments{"cuttle", "run", "--kubeconfig",
                                     kubeconfig.string()};
  std::vector<std::string> variables;
  if (auto* path = std::getenv("PATH"))
    variables.push_back(std::string{"PATH="} + path);
  for (auto& [name, value] : environment)
    variables.push_back(name + '=' + value);
  auto block = [](std::vector<std::string>& from) {
    std::vector<char*> result;
    for (auto& x : from)
      result.push_back(x.data());
    result.push_back(nullptr);
    return result;
  };
  auto argv = block(arguments);
  auto envp = block(variables);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY,
                                   0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, log_.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  // This process blocks the signals that it waits for; the worker must not
  // inherit that.
  posix_spawnattr_t how;
  posix_spawnattr_init(&how);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&how, &none);
  // (a group of its own: Ctrl-C ends the load first)
  posix_spawnattr_setpgroup(&how, 0);
  posix_spawnattr_setflags(&how,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  auto error = posix_spawn(&id_, "/proc/self/exe", &files, &how, argv.data(),
                           envp.data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&how);
  if (error != 0) {
    id_ = -1;
    throw std::runtime_error{"the worker can not be started as a process"};
  }
}

bench_worker::~bench_worker() {
  stop(0s);
}

bool bench_worker::alive() {
  if (id_ > 0 && waitpid(id_, nullptr, WNOHANG) == id_)
    id_ = -1;
  return id_ > 0;
}

void bench_worker::stop(std::chrono::seconds patience) {
  if (!alive())
    return;
  kill(id_, SIGTERM);
  auto deadline = std::chrono::steady_clock::now() + patience;
  while (alive() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(20ms);
  if (!alive())
    return;
  kill(id_, SIGKILL);
  while (waitpid(id_, nullptr, 0) < 0 && errno == EINTR) {
  }
  id_ = -1;
}

std::string bench_worker::log_tail() const {
  constexpr std::streamoff most = 4'096;
  std::ifstream file{log_, std::ios::binary | std::ios::ate};
  auto size = std::max<std::streamoff>(0, file.tellg());
  auto wanted = std::min(most, size);
  std::string result(static_cast<std::size_t>(wanted), '\0');
  file.seekg(size - wanted);
  file.read(result.data(), wanted);
  return result;
}

} // namespace cuttle
