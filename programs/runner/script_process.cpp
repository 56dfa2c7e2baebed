#include "programs/runner/script_process.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <spawn.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace cuttle::runner {

namespace {

struct pipe_ends {
  int read = -1;
  int write = -1;

  ~pipe_ends() {
    if (read >= 0)
      ::close(read);
    if (write >= 0)
      ::close(write);
  }

  bool open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
      return false;
    read = ends[0];
    write = ends[1];
    return ::fcntl(read, F_SETFL, O_NONBLOCK) == 0;
  }

  int release_read() {
    auto result = read;
    read = -1;
    return result;
  }
};

bool executable(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode)
         && ::access(path.c_str(), X_OK) == 0;
}

} // namespace

std::string find_bash() {
  const auto* variable = std::getenv("PATH");
  std::string_view path
    = variable != nullptr ? variable : "/usr/local/bin:/usr/bin:/bin";
  for (;;) {
    auto end = path.find(':');
    // The script has another working directory, so only whole paths serve.
    auto candidate = std::string{path.substr(0, end)} + "/bash";
    if (candidate.front() == '/' && executable(candidate))
      return candidate;
    if (end == std::string_view::npos)
      return {};
    path.remove_prefix(end + 1);
  }
}

void provide_home(const std::string& directory) {
  const auto* home = std::getenv("HOME");
  if (home == nullptr
      || ::faccessat(AT_FDCWD, (std::string{home} + "/.").c_str(), W_OK | X_OK,
                     AT_EACCESS)
           == 0)
    return;
  auto own = directory + "/home";
  if (::mkdir(own.c_str(), 0700) == 0 || errno == EEXIST)
    ::setenv("HOME", own.c_str(), 1);
}

int start_script(const std::string& bash, const std::string& directory,
                 const std::vector<std::string>& arguments,
                 script_process& result) {
  pipe_ends out;
  pipe_ends err;
  if (!out.open() || !err.open())
    return errno;
  std::string name = "bash";
  std::vector<char*> argv{name.data()};
  auto words = arguments;
  for (auto& word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t ignored;
  ::sigemptyset(&none);
  ::sigemptyset(&ignored);
  ::sigaddset(&ignored, SIGPIPE);
  auto check = [](int& error, int next) {
    if (error == 0)
      error = next;
  };
  int error = 0;
  check(error,
        ::posix_spawn_file_actions_addchdir_np(&actions, directory.c_str()));
  check(error, ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO,
                                                  "/dev/null", O_RDONLY, 0));
  check(error,
        ::posix_spawn_file_actions_adddup2(&actions, out.write, STDOUT_FILENO));
  check(error,
        ::posix_spawn_file_actions_adddup2(&actions, err.write, STDERR_FILENO));
  check(error, ::posix_spawnattr_setsigmask(&attributes, &none));
  check(error, ::posix_spawnattr_setsigdefault(&attributes, &ignored));
  check(error, ::posix_spawnattr_setflags(
                 &attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK
                                | POSIX_SPAWN_SETSIGDEF));
  if (error == 0)
    error = ::posix_spawn(&result.pid, bash.c_str(), &actions, &attributes,
                          argv.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0)
    return error;
  result.out = out.release_read();
  result.err = err.release_read();
  return 0;
}

} // namespace cuttle::runner
