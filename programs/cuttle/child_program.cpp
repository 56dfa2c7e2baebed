#include "programs/cuttle/child_program.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace cuttle {

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr std::size_t max_line = 4'096;
constexpr auto grace = 10s;

// A file descriptor that is closed with its owner.
struct descriptor {
  explicit descriptor(int x = -1) : value(x) {}
  ~descriptor() {
    reset();
  }
  descriptor(const descriptor&) = delete;
  descriptor& operator=(const descriptor&) = delete;
  void reset() {
    if (value >= 0)
      close(value);
    value = -1;
  }
  int value;
};

// Takes bytes, gives lines.
class line_cutter {
public:
  explicit line_cutter(const std::function<void(const std::string&)>& f)
    : out_(f) {}

  void add(std::string_view text) {
    for (char c : text) {
      if (c == '\n' || held_.size() == max_line)
        flush();
      if (c != '\n' && c != '\r')
        held_ += c;
    }
  }

  void end() {
    if (!held_.empty())
      flush();
  }

private:
  void flush() {
    if (out_)
      out_(held_);
    held_.clear();
  }

  const std::function<void(const std::string&)>& out_;
  std::string held_;
};

pid_t start(std::vector<std::string> words, int output) {
  std::vector<char*> raw;
  for (auto& x : words)
    raw.push_back(x.data());
  raw.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, output, 1);
  posix_spawn_file_actions_adddup2(&files, output, 2);
  // We may block signals or ignore SIGPIPE; the program must not.
  posix_spawnattr_t how;
  posix_spawnattr_init(&how);
  sigset_t set;
  sigemptyset(&set);
  posix_spawnattr_setsigmask(&how, &set);
  sigaddset(&set, SIGPIPE);
  posix_spawnattr_setsigdefault(&how, &set);
  posix_spawnattr_setflags(&how,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t child = -1;
  auto error
    = posix_spawnp(&child, raw.front(), &files, &how, raw.data(), environ);
  posix_spawnattr_destroy(&how);
  posix_spawn_file_actions_destroy(&files);
  return error == 0 ? child : -1;
}

// Reads what is there; false at the end.
bool drain(int from, line_cutter& lines) {
  std::array<char, 8'192> buffer;
  for (;;) {
    auto count = read(from, buffer.data(), buffer.size());
    if (count > 0)
      lines.add({buffer.data(), static_cast<std::size_t>(count)});
    else if (count == 0 || (errno != EAGAIN && errno != EINTR))
      return false;
    else if (errno == EAGAIN)
      return true;
  }
}

} // namespace

child_end run_program(const child_program& what, std::stop_token stop) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return child_end::not_started;
  descriptor reading{ends[0]};
  descriptor writing{ends[1]};
  fcntl(reading.value, F_SETFL, O_NONBLOCK);
  descriptor wake{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  auto child = start(what.command, writing.value);
  if (child < 0)
    return child_end::not_started;
  writing.reset();
  descriptor process{static_cast<int>(syscall(SYS_pidfd_open, child, 0))};
  std::stop_callback on_stop{stop, [&] { eventfd_write(wake.value, 1); }};
  line_cutter lines{what.line};
  auto result = child_end::good;
  auto until = what.until;
  auto next_tick = clock::now() + what.tick_every;
  for (auto open = true;;) {
    auto now = clock::now();
    auto stopping = result != child_end::good;
    if (!stopping && (stop.stop_requested() || now >= until)) {
      result = stop.stop_requested() ? child_end::stopped : child_end::late;
      kill(child, SIGTERM);
      until = now + grace;
      stopping = true;
    } else if (stopping && now >= until) {
      kill(child, SIGKILL);
      until = now + grace;
    }
    auto wait = until;
    if (what.tick && !stopping)
      wait = std::min(wait, next_tick);
    auto left
      = std::chrono::duration_cast<std::chrono::milliseconds>(wait - now);
    // (a wake-up is looked at once; -1 is left out by poll)
    std::array<pollfd, 3> items{
      pollfd{process.value, POLLIN, 0},
      pollfd{open ? reading.value : -1, POLLIN, 0},
      pollfd{stopping ? -1 : wake.value, POLLIN, 0},
    };
    poll(items.data(), items.size(),
         static_cast<int>(std::clamp<long>(left.count() + 1, 1, 60'000)));
    if (items[1].revents != 0)
      open = drain(reading.value, lines);
    if (items[0].revents != 0)
      break;
    if (what.tick && !stopping && clock::now() >= next_tick) {
      what.tick();
      next_tick = clock::now() + what.tick_every;
    }
  }
  drain(reading.value, lines);
  lines.end();
  int status = 0;
  waitpid(child, &status, 0);
  if (result == child_end::good
      && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
    return child_end::failed;
  return result;
}

bool has_program(const std::string& name) {
  if (name.find('/') != std::string::npos)
    return access(name.c_str(), X_OK) == 0;
  auto* variable = std::getenv("PATH");
  std::string_view path = variable ? variable : "";
  while (!path.empty()) {
    auto colon = path.find(':');
    std::string folder{path.substr(0, colon)};
    if (access(((folder.empty() ? "." : folder) + "/" + name).c_str(), X_OK)
        == 0)
      return true;
    path.remove_prefix(colon == path.npos ? path.size() : colon + 1);
  }
  return false;
}

} // namespace cuttle
