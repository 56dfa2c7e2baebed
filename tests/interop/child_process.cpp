#include "tests/interop/child_process.hpp"

#include <chrono>
#include <fcntl.h>
#include <fstream>
#include <signal.h>
#include <spawn.h>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

extern char** environ;

namespace cuttle::interop {

namespace {

using clock = std::chrono::steady_clock;

// How long a process that was asked to end may take.
constexpr std::chrono::seconds end_patience{40};
constexpr std::chrono::seconds output_patience{60};

// A pipe would need a reader; a file is looked at now and then.
constexpr std::chrono::milliseconds look_every{20};

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  for (auto& word : words)
    result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

} // namespace

child_process::child_process(std::vector<std::string> words,
                             const std::map<std::string, std::string>& more,
                             std::filesystem::path output)
  : output_(std::move(output)) {
  std::vector<std::string> variables;
  for (auto& [name, value] : more)
    variables.push_back(name + "=" + value);
  for (auto x = environ; *x; ++x)
    if (more.count(std::string{*x}.substr(0, std::string{*x}.find('='))) == 0)
      variables.emplace_back(*x);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output_.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC | O_APPEND,
                                   0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  auto code = posix_spawnp(&pid_, words.at(0).c_str(), &actions, nullptr,
                           pointers(words).data(), pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  if (code != 0) {
    pid_ = -1;
    throw std::runtime_error{words[0] + " could not be started"};
  }
}

child_process::~child_process() {
  stop();
}

bool child_process::ended() {
  if (pid_ >= 0 && ::waitpid(pid_, &status_, WNOHANG) == pid_)
    pid_ = -1;
  return pid_ < 0;
}

int child_process::wait() {
  if (pid_ >= 0)
    ::waitpid(pid_, &status_, 0);
  pid_ = -1;
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
}

int child_process::stop() {
  if (pid_ >= 0)
    ::kill(pid_, SIGTERM);
  auto until = clock::now() + end_patience;
  while (!ended() && clock::now() < until)
    std::this_thread::sleep_for(look_every);
  if (pid_ >= 0)
    ::kill(pid_, SIGKILL);
  return wait();
}

void child_process::kill() {
  if (pid_ >= 0)
    ::kill(pid_, SIGKILL);
  wait();
}

bool child_process::wait_for_output(
  const std::function<bool(const std::string&)>& enough) {
  auto until = clock::now() + output_patience;
  while (!enough(output())) {
    if (ended() || clock::now() > until)
      return enough(output());
    std::this_thread::sleep_for(look_every);
  }
  return true;
}

std::string child_process::output() const {
  std::ifstream file{output_};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

} // namespace cuttle::interop
