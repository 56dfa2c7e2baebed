// The program inside a script pod: starts the script, frames its output and
// reports its end (docs: the pod log format).

#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <string>
#include <sys/signalfd.h>
#include <unistd.h>

#include "infra/crypto/cipher.hpp"
#include "programs/runner/supervisor.hpp"

namespace {

using namespace cuttle;

constexpr int exit_usage = 2;
constexpr int exit_not_executable = 126;
constexpr int exit_no_bash = 127;

// Of the 30 seconds that Kubernetes gives a pod by default.
constexpr std::chrono::seconds default_grace{20};
constexpr int max_grace_seconds = 3600;

void complain(const std::string& text) {
  auto line = "cuttle-runner: " + text + "\n";
  std::fputs(line.c_str(), stderr);
}

// Standard descriptors that are closed would become our pipes.
void open_missing_descriptors() {
  for (auto i = 0; i < 3; ++i)
    if (::fcntl(i, F_GETFD) < 0 && ::open("/dev/null", O_RDWR) < 0)
      std::abort();
}

// Reads `<workdir>/keyfile` [BR-03]; nothing after a complaint.
std::optional<crypto::secret_bytes> read_key(const std::string& directory) {
  auto path = directory + "/keyfile";
  auto descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    complain("the key file " + path
             + " can not be read: " + std::strerror(errno));
    return std::nullopt;
  }
  std::string text(4096, '\0');
  std::size_t used = 0;
  ssize_t size = 0;
  do {
    size = ::read(descriptor, text.data() + used, text.size() - used);
    if (size > 0)
      used += static_cast<std::size_t>(size);
  } while (size > 0 || (size < 0 && errno == EINTR));
  ::close(descriptor);
  auto key = crypto::secret_from_base64(std::string_view{text}.substr(0, used));
  crypto::wipe(text);
  if (!key || (key->size() != 16 && key->size() != 24 && key->size() != 32)) {
    complain("the key file " + path
             + " has to be Base64 of 16, 24 or 32 bytes");
    return std::nullopt;
  }
  return key;
}

// The time between SIGTERM and SIGKILL, from CUTTLE_RUNNER_GRACE_SECONDS.
std::chrono::seconds grace() {
  const auto* text = std::getenv("CUTTLE_RUNNER_GRACE_SECONDS");
  if (text == nullptr)
    return default_grace;
  auto seconds = 0;
  const auto* end = text + std::strlen(text);
  auto [stop, error] = std::from_chars(text, end, seconds);
  if (error != std::errc{} || stop != end || seconds < 0
      || seconds > max_grace_seconds)
    return default_grace;
  return std::chrono::seconds{seconds};
}

// A number from the environment, which only tests set; `result` stays as it is
// without one.
template <class T>
void read_number(const char* name, T& result) {
  const auto* text = std::getenv(name);
  if (text == nullptr)
    return;
  std::uint64_t number = 0;
  const auto* end = text + std::strlen(text);
  auto [stop, error] = std::from_chars(text, end, number);
  constexpr std::uint64_t most = std::uint64_t{1} << 40;
  if (error == std::errc{} && stop == end && number <= most)
    result = static_cast<T>(number);
}

runner::link_options link_options() {
  runner::link_options result;
  read_number("CUTTLE_RUNNER_SPOOL_BYTES", result.spool_bytes);
  read_number("CUTTLE_RUNNER_END_WAIT_MS", result.end_wait);
  read_number("CUTTLE_RUNNER_SILENCE_MS", result.silence);
  read_number("CUTTLE_RUNNER_FIRST_MS", result.first);
  read_number("CUTTLE_RUNNER_EARLY_BYTES", result.early_bytes);
  read_number("CUTTLE_RUNNER_EARLY_MS", result.early);
  read_number("CUTTLE_RUNNER_GONE_MS", result.gone);
  return result;
}

// Blocks the signals that the supervisor reads; returns their descriptor.
int take_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGCHLD, SIG_DFL);
  sigset_t set;
  ::sigemptyset(&set);
  for (auto signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP})
    ::sigaddset(&set, signal);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  return ::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int run(int argc, char** argv) {
  open_missing_descriptors();
  if (argc < 3) {
    complain("needs arguments: <working directory> <script> [argument…]");
    return exit_usage;
  }
  const std::string directory = argv[1];
  auto key = read_key(directory);
  if (!key)
    return exit_usage;
  auto bash = runner::find_bash();
  if (bash.empty()) {
    complain("the image has no bash, which scripts are run with; use an image "
             "that has it");
    return exit_no_bash;
  }
  auto signals = take_signals();
  if (signals < 0) {
    complain(std::string{"signals can not be watched: "}
             + std::strerror(errno));
    return exit_usage;
  }
  runner::provide_home(directory);
  runner::script_process script;
  auto error
    = runner::start_script(bash, directory, {argv + 2, argv + argc}, script);
  if (error != 0) {
    complain(bash + " can not be started in " + directory + ": "
             + std::strerror(error));
    return exit_not_executable;
  }
  runner::frame_output output{STDOUT_FILENO, *key};
  auto link = runner::worker_link::make(directory, *key, link_options());
  return runner::supervisor{output, script, signals, grace(), std::move(link)}
    .run();
}

} // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    complain(e.what());
    return exit_usage;
  }
}
