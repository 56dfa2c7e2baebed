#include "tests/interop/peer_process.hpp"

#include <cstdlib>
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

// How long a process that was asked to end may take.
constexpr std::chrono::seconds end_patience{10};

} // namespace

std::optional<std::string> peer_program() {
  auto value = std::getenv("CUTTLE_INTEROP_PEER");
  if (!value || !*value)
    return {};
  return std::string{value};
}

peer_process::peer_process(const std::vector<std::string>& arguments,
                           const std::filesystem::path& output)
  : output_(output) {
  std::vector<std::string> words{"dotnet", peer_program().value()};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (auto& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output_.c_str(),
                                   O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  auto code
    = posix_spawnp(&pid_, "dotnet", &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (code != 0)
    throw std::runtime_error{"dotnet could not be started"};
}

peer_process::~peer_process() {
  if (pid_ < 0)
    return;
  ::kill(pid_, SIGTERM);
  auto until = std::chrono::steady_clock::now() + end_patience;
  while (::waitpid(pid_, nullptr, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > until) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
  }
}

int peer_process::wait() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

std::string peer_process::output() const {
  std::ifstream file{output_};
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string make_worker_identity(const std::filesystem::path& pfx) {
  auto output = pfx;
  output += ".txt";
  peer_process maker{{"worker", "--identity-only", "--cert", pfx.string()},
                     output};
  if (maker.wait() != 0)
    throw std::runtime_error{"OctopusPeer failed: " + maker.output()};
  auto text = maker.output();
  std::string mark{"\"thumbprint\":\""};
  auto begin = text.find(mark);
  if (begin == std::string::npos)
    throw std::runtime_error{"OctopusPeer gave no thumbprint: " + text};
  return text.substr(begin + mark.size(), 40);
}

} // namespace cuttle::interop
