#include "tests/program/process.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <spawn.h>
#include <sstream>
#include <stdexcept>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace cuttle::test {

process::process(std::vector<std::string> command,
                 const std::map<std::string, std::string>& environment,
                 std::filesystem::path output)
  : output_(std::move(output)) {
  std::vector<std::string> variables;
  if (auto* path = std::getenv("PATH"))
    variables.push_back(std::string{"PATH="} + path);
  for (auto& [name, value] : environment)
    variables.push_back(name + "=" + value);
  std::vector<char*> arguments;
  for (auto& x : command)
    arguments.push_back(x.data());
  arguments.push_back(nullptr);
  std::vector<char*> block;
  for (auto& x : variables)
    block.push_back(x.data());
  block.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY,
                                   0);
  posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, output_.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO);
  auto error = posix_spawn(&pid_, command[0].c_str(), &files, nullptr,
                           arguments.data(), block.data());
  posix_spawn_file_actions_destroy(&files);
  if (error != 0)
    throw std::runtime_error{command[0] + " can not be started"};
  descriptor_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
}

process::~process() {
  if (!code_) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (descriptor_ >= 0)
    close(descriptor_);
}

void process::signal(int number) {
  if (!code_)
    kill(pid_, number);
}

std::optional<int> process::wait(std::chrono::milliseconds limit) {
  if (code_)
    return code_;
  pollfd item{descriptor_, POLLIN, 0};
  if (poll(&item, 1, static_cast<int>(limit.count())) != 1)
    return std::nullopt;
  int status = 0;
  waitpid(pid_, &status, 0);
  code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return code_;
}

std::string process::output() const {
  std::ifstream file{output_};
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

bool eventually(const std::function<bool()>& condition,
                std::chrono::milliseconds limit) {
  auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
  return true;
}

} // namespace cuttle::test
