#include "programs/cuttle/own_program.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace cuttle {

using namespace std::chrono_literals;

namespace {

// The worker's own program, from cuttle-tools; any other is whole in itself.
std::string program_path() {
  std::error_code error;
  auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  auto worker = self.parent_path() / "cuttle";
  if (self.filename() == "cuttle-tools"
      && std::filesystem::exists(worker, error))
    return worker;
  return "/proc/self/exe";
}

} // namespace

own_program::own_program(std::vector<std::string> arguments,
                         const std::map<std::string, std::string>& environment,
                         std::filesystem::path log)
  : log_(std::move(log)) {
  arguments.insert(arguments.begin(), "cuttle");
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
  // This process blocks the signals that it waits for; the other one must not
  // inherit that.
  posix_spawnattr_t how;
  posix_spawnattr_init(&how);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&how, &none);
  // (a group of its own: Ctrl-C ends this program first)
  posix_spawnattr_setpgroup(&how, 0);
  posix_spawnattr_setflags(&how,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  auto error = posix_spawn(&id_, program_path().c_str(), &files, &how,
                           argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&how);
  if (error != 0) {
    id_ = -1;
    throw std::runtime_error{"cuttle " + arguments[1]
                             + " can not be started as a process"};
  }
}

own_program::~own_program() {
  stop(0s);
}

void own_program::ended(int status) {
  code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  id_ = -1;
}

bool own_program::alive() {
  int status = 0;
  if (id_ > 0 && waitpid(id_, &status, WNOHANG) == id_)
    ended(status);
  return id_ > 0;
}

void own_program::stop(std::chrono::seconds patience) {
  if (!alive())
    return;
  ::kill(id_, SIGTERM);
  auto deadline = std::chrono::steady_clock::now() + patience;
  while (alive() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(20ms);
  kill();
}

void own_program::kill() {
  if (!alive())
    return;
  ::kill(id_, SIGKILL);
  int status = 0;
  while (waitpid(id_, &status, 0) < 0 && errno == EINTR) {
  }
  ended(status);
}

std::string own_program::log_tail() const {
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
