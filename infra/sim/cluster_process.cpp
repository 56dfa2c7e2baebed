#include "infra/sim/cluster_process.hpp"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <spawn.h>
#include <string_view>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cuttle::sim {

namespace {

/// Rounds of looking for processes that are left; each round can only miss what
/// was forked meanwhile.
constexpr int kill_rounds = 20;

std::string variable(const std::vector<std::string>& environment,
                     std::string_view name) {
  for (const auto& entry : environment)
    if (entry.starts_with(name) && entry.substr(name.size(), 1) == "=")
      return entry.substr(name.size() + 1);
  return {};
}

bool executable(const std::string& file) {
  std::error_code ignored;
  return access(file.c_str(), X_OK) == 0
         && std::filesystem::is_regular_file(file, ignored);
}

/// Looks a program up in the container's PATH, not in this program's.
std::string find_program(const process_spec& spec) {
  const auto& name = spec.arguments.front();
  if (name.find('/') != name.npos)
    return executable(name) ? name : std::string{};
  auto path = variable(spec.environment, "PATH");
  std::string_view rest = path;
  while (!rest.empty()) {
    auto colon = rest.find(':');
    auto file = std::string{rest.substr(0, colon)} + '/' + name;
    if (executable(file))
      return file;
    rest = colon == rest.npos ? std::string_view{} : rest.substr(colon + 1);
  }
  return {};
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const auto& text : texts)
    result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

/// File actions and attributes of posix_spawn.
struct spawn_plan {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;

  spawn_plan(const process_spec& spec, int out, int err) {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out, 1);
    posix_spawn_file_actions_adddup2(&actions, err, 2);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    posix_spawn_file_actions_addchdir_np(&actions, spec.directory.c_str());
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes, &signals);
    sigfillset(&signals);
    posix_spawnattr_setsigdefault(&attributes, &signals);
    posix_spawnattr_setflags(&attributes,
                             static_cast<short>(POSIX_SPAWN_SETSID
                                                | POSIX_SPAWN_SETSIGMASK
                                                | POSIX_SPAWN_SETSIGDEF));
  }

  ~spawn_plan() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }

  spawn_plan(const spawn_plan&) = delete;
  spawn_plan& operator=(const spawn_plan&) = delete;
};

/// glibc 2.36 has a function for it whose header C++ cannot link with.
int open_pidfd(pid_t pid) {
  return static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
}

bool make_pipe(descriptor& reader, descriptor& writer) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return false;
  reader = descriptor{ends[0]};
  writer = descriptor{ends[1]};
  return fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0;
}

bool has_mark(const std::filesystem::path& process, const std::string& mark) {
  std::ifstream file{process / "environ", std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  for (auto at = text.find(mark); at != text.npos; at = text.find(mark, at + 1))
    if (at == 0 || text[at - 1] == '\0')
      return true;
  return false;
}

} // namespace

descriptor::~descriptor() {
  if (value_ >= 0)
    close(value_);
}

outcome<child_process> start_process(const process_spec& spec) {
  if (spec.arguments.empty())
    return fail(errc::not_found, "no command specified");
  auto program = find_program(spec);
  if (program.empty())
    return fail(errc::not_found, "exec: \"" + spec.arguments.front()
                                   + "\": executable file not found in $PATH");
  child_process child;
  descriptor out, err;
  if (!make_pipe(child.out, out) || !make_pipe(child.err, err))
    return fail(errc::io_error,
                std::string{"cannot make a pipe: "} + std::strerror(errno));
  spawn_plan plan{spec, out.get(), err.get()};
  auto arguments = pointers(spec.arguments);
  auto environment = pointers(spec.environment);
  auto error
    = posix_spawn(&child.pid, program.c_str(), &plan.actions, &plan.attributes,
                  arguments.data(), environment.data());
  if (error != 0)
    return fail(errc::io_error,
                "exec: \"" + program + "\": " + std::strerror(error));
  child.ended = descriptor{open_pidfd(child.pid)};
  if (child.ended.get() < 0) {
    auto text
      = std::string{"cannot watch the process: "} + std::strerror(errno);
    kill(-child.pid, SIGKILL);
    waitpid(child.pid, nullptr, 0);
    return fail(errc::io_error, std::move(text));
  }
  return child;
}

void signal_first(pid_t first, int signal) {
  if (first > 1)
    kill(first, signal);
}

int reap(const child_process& child) {
  int status = 0;
  pid_t result = 0;
  do
    result = waitpid(child.pid, &status, WNOHANG);
  while (result < 0 && errno == EINTR);
  if (result == 0)
    return -1;
  if (result < 0)
    return 255;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

void kill_stragglers(pid_t leader, const std::string& pod_uid) {
  if (leader > 1)
    kill(-leader, SIGKILL);
  auto mark = std::string{pod_mark} + '=' + pod_uid;
  for (int round = 0; round < kill_rounds; ++round) {
    bool any = false;
    std::error_code error;
    std::filesystem::directory_iterator at{"/proc", error}, end;
    for (; !error && at != end; at.increment(error)) {
      auto name = at->path().filename().string();
      pid_t pid = 0;
      auto number
        = std::from_chars(name.data(), name.data() + name.size(), pid);
      if (number.ec != std::errc{} || number.ptr != name.data() + name.size()
          || pid == leader || pid == getpid())
        continue;
      if (has_mark(at->path(), mark))
        any = kill(pid, SIGKILL) == 0 || any;
    }
    if (!any)
      return;
  }
}

} // namespace cuttle::sim
