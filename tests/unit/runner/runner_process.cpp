#include "tests/unit/runner/runner_process.hpp"

#include <array>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/folders.hpp"

namespace cuttle::runner::test {

namespace {

constexpr std::size_t lines_at_start = 3;
constexpr std::size_t lines_at_end = 4;
constexpr int poll_limit_ms = 60'000;

std::vector<std::string> command(const workspace& where, std::string_view body,
                                 std::vector<std::string> arguments) {
  std::vector<std::string> result{runner_program(), where.path().string(),
                                  where.write("Bootstrap.sh", body)};
  result.insert(result.end(), arguments.begin(), arguments.end());
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  for (auto& word : words)
    result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

} // namespace

workspace::workspace() {
  auto name = (std::filesystem::temp_directory_path() / "cuttle-runner-XXXXXX")
                .string();
  if (::mkdtemp(name.data()) == nullptr)
    throw std::runtime_error("no temporary folder");
  path_ = std::filesystem::canonical(name);
  for (std::uint8_t i = 0; i < key_.value.size(); ++i)
    key_.value[i] = i;
  write("keyfile", crypto::to_base64(key_.value));
}

workspace::~workspace() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string workspace::write(const std::string& name,
                             std::string_view content) const {
  auto path = path_ / name;
  std::filesystem::create_directories(path.parent_path());
  std::ofstream{path, std::ios::binary} << content;
  return path.string();
}

process::process(const workspace& where, std::vector<std::string> words,
                 std::vector<std::string> environment)
  : parser_(where.key()) {
  std::array<int, 2> out;
  std::array<int, 2> err;
  if (::pipe2(out.data(), O_CLOEXEC) != 0
      || ::pipe2(err.data(), O_CLOEXEC) != 0)
    throw std::runtime_error("no pipe");
  auto has_path = false;
  for (const auto& entry : environment)
    has_path = has_path || entry.substr(0, 5) == "PATH=";
  if (!has_path)
    environment.push_back(std::string{"PATH="} + std::getenv("PATH"));
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
  auto argv = pointers(words);
  auto envp = pointers(environment);
  auto error = ::posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(),
                              envp.data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(out[1]);
  ::close(err[1]);
  out_ = out[0];
  err_ = err[0];
  if (error != 0)
    throw std::runtime_error("not started: " + words[0]);
}

process::~process() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  for (auto descriptor : {out_, err_})
    if (descriptor >= 0)
      ::close(descriptor);
}

bool process::wait_for(std::string_view text) {
  std::size_t next = 0;
  for (;;) {
    for (; next < frames_.size(); ++next)
      if (frames_[next].line.line.text == text)
        return true;
    if (!read_some())
      return false;
  }
}

bool process::wait_for_frames(std::size_t count) {
  while (frames_.size() < count)
    if (!read_some())
      return false;
  return true;
}

int process::finish() {
  while (read_some()) {
    // Goes on until both pipes are closed.
  }
  unframed_ += rest_;
  rest_.clear();
  auto status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// Waits for output; false when both pipes are closed.
bool process::read_some() {
  std::array<pollfd, 2> polled{pollfd{out_, POLLIN, 0},
                               pollfd{err_, POLLIN, 0}};
  if (out_ < 0 && err_ < 0)
    return false;
  if (::poll(polled.data(), polled.size(), poll_limit_ms) <= 0) {
    ADD_FAILURE() << "the runner is silent";
    return false;
  }
  static std::array<char, 256 * 1024> buffer;
  for (auto& one : polled) {
    if (one.revents == 0)
      continue;
    auto size = ::read(one.fd, buffer.data(), buffer.size());
    auto& descriptor = one.fd == out_ ? out_ : err_;
    if (size <= 0) {
      ::close(descriptor);
      descriptor = -1;
    } else if (one.fd == err_) {
      error_text_.append(buffer.data(), static_cast<std::size_t>(size));
    } else {
      on_output({buffer.data(), static_cast<std::size_t>(size)});
    }
  }
  return true;
}

void process::on_output(std::string_view data) {
  for (;;) {
    auto end = data.find('\n');
    rest_ += data.substr(0, end);
    if (end == std::string_view::npos)
      return;
    data.remove_prefix(end + 1);
    auto result = parser_.parse("2024-01-01T00:00:00Z " + rest_);
    if (auto* good = std::get_if<podlog::parsed_line>(&result)) {
      frames_.push_back(std::move(*good));
      EXPECT_EQ(frames_.back().line.number,
                static_cast<std::int64_t>(frames_.size()));
    } else {
      unframed_ += rest_ + "\n";
    }
    rest_.clear();
  }
}

std::vector<std::string> process::script_lines(output_source source) const {
  std::vector<std::string> result;
  for (auto i = lines_at_start; i + lines_at_end < frames_.size(); ++i)
    if (frames_[i].line.line.source == source)
      result.push_back(frames_[i].line.line.text);
  return result;
}

std::optional<int> process::marker() const {
  return frames_.empty() ? std::nullopt : frames_.back().exit_code;
}

script_run::script_run(std::string_view body,
                       std::vector<std::string> arguments,
                       std::vector<std::string> environment)
  : process(*this, command(*this, body, std::move(arguments)),
            std::move(environment)) {}

} // namespace cuttle::runner::test
