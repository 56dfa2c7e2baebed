// The runner's link to the worker: how much it carries, what it costs, how late
// a line is, and what an idle connection takes. Prints a table.
//
// Usage: cuttle-linkbench [MiB of output, 1024 by default]

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <future>
#include <malloc.h>
#include <memory>
#include <spawn.h>
#include <sstream>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "infra/halibut/io_thread.hpp"
#include "infra/podlog/reader.hpp"
#include "infra/runner_link/server.hpp"
#include "infra/runner_link/wire.hpp"
#include "tests/folders.hpp"
#include "tests/unit/runner_link/raw_runner.hpp"

using namespace cuttle;
using namespace std::chrono;

namespace {

constexpr std::size_t mebibyte = 1024 * 1024;

crypto::log_key bench_key() {
  crypto::log_key result;
  result.value.fill(3);
  return result;
}

double seconds_of(const timeval& x) {
  return static_cast<double>(x.tv_sec) + static_cast<double>(x.tv_usec) / 1e6;
}

/// Processor time of this process so far.
double own_time() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

/// Processor time of an ended process that was not waited for, without its
/// children's.
double time_of(pid_t pid) {
  std::ifstream in{"/proc/" + std::to_string(pid) + "/stat"};
  std::string text{std::istreambuf_iterator<char>{in}, {}};
  std::istringstream words{text.substr(text.rfind(')') + 2)};
  std::string skipped;
  for (auto i = 0; i < 11; ++i)
    words >> skipped;
  double user = 0;
  double system = 0;
  words >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double resident_kib() {
  std::ifstream in{"/proc/self/statm"};
  double all = 0;
  double resident = 0;
  in >> all >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1024;
}

/// A workspace, a server that acknowledges at once, and what it has got.
struct place {
  place() {
    auto name
      = (std::filesystem::temp_directory_path() / "link-bench-XXXXXX").string();
    path = ::mkdtemp(name.data());
    std::ofstream{path / "keyfile"} << crypto::to_base64(key.value);
  }

  ~place() {
    server.reset();
    std::filesystem::remove_all(path);
  }

  void serve(bool parse) {
    auto made = runner_link::make_server(thread, {.bind = "127.0.0.1"}, port);
    if (!made)
      std::abort();
    server = std::move(*made);
    runner_link::callbacks tell;
    tell.on_open
      = [this](auto id, std::int64_t first) { server->resume(id, first - 1); };
    tell.on_data = [this, parse](auto id, std::string_view data) {
      bytes += data.size();
      if (parse)
        reader.feed(data);
      else
        count(data);
      auto number = parse ? reader.last_number() : lines.load();
      auto batch = reader.take();
      auto now = system_clock::now();
      for (auto& x : batch.lines)
        note(x.line.text, now);
      server->received(id, number);
      server->acknowledge(id, number);
    };
    server->expect({path.filename().string()}, key, std::move(tell));
    std::ofstream{path / runner_link::address_file}
      << runner_link::format_address({"127.0.0.1", port});
  }

  void count(std::string_view data) {
    lines += std::count(data.begin(), data.end(), '\n');
  }

  void note(const std::string& text, system_clock::time_point now) {
    auto point = text.find('.');
    std::int64_t micros = 0;
    auto digits = text.substr(0, point) + text.substr(point + 1);
    if (point == std::string::npos
        || std::from_chars(digits.data(), digits.data() + digits.size(), micros)
               .ec
             != std::errc{})
      return;
    auto late = duration<double, std::milli>(
      now - system_clock::time_point{microseconds{micros}});
    delays.push_back(late.count());
  }

  const crypto::log_key key = bench_key();
  std::filesystem::path path;
  std::uint16_t port = 0;
  podlog::reader reader{key, 0};
  std::atomic<std::uint64_t> bytes = 0;
  std::atomic<std::int64_t> lines = 0;
  std::vector<double> delays;
  halibut::io_thread thread;
  std::unique_ptr<runner_link::server> server;
};

struct result {
  double seconds = 0;
  double runner = 0;
  double here = 0;
};

/// Runs a script with the real runner; its standard output is read and dropped.
result run(const place& where, const std::string& body) {
  auto script = (where.path / "script.sh").string();
  std::ofstream{script} << body;
  std::array<int, 2> out;
  if (::pipe2(out.data(), O_CLOEXEC) != 0)
    std::abort();
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  std::string runner = runner_program();
  auto directory = where.path.string();
  std::array<char*, 4> words{runner.data(), directory.data(), script.data(),
                             nullptr};
  pid_t pid = -1;
  auto before = own_time();
  auto start = steady_clock::now();
  if (::posix_spawn(&pid, words[0], &actions, nullptr, words.data(), environ)
      != 0)
    std::abort();
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(out[1]);
  std::vector<char> buffer(mebibyte);
  while (::read(out[0], buffer.data(), buffer.size()) > 0) {
  }
  ::close(out[0]);
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
  result measured;
  measured.seconds = duration<double>(steady_clock::now() - start).count();
  measured.runner = time_of(pid);
  measured.here = own_time() - before;
  auto status = 0;
  ::waitpid(pid, &status, 0);
  if (status != 0)
    std::abort();
  return measured;
}

void print(const char* name, std::size_t size, const result& x) {
  auto mib = static_cast<double>(size);
  std::printf("%-28s %7.1f MiB/s of text  %5.2f s  runner %5.2f s CPU  here "
              "%5.2f s CPU\n",
              name, mib / x.seconds, x.seconds, x.runner, x.here);
}

void throughput(std::size_t mib) {
  auto body = "yes " + std::string(99, 'x') + " | head -c "
              + std::to_string(mib * mebibyte) + "\n";
  {
    place where;
    print("without a link", mib, run(where, body));
  }
  for (auto parse : {false, true}) {
    place where;
    where.serve(parse);
    print(parse ? "link, lines decrypted" : "link, acknowledged at once", mib,
          run(where, body));
    std::printf("%-28s %7.1f MiB came over it\n", "",
                static_cast<double>(where.bytes) / mebibyte);
  }
}

void latency() {
  place where;
  where.serve(true);
  run(where, "for ((i = 0; i < 1000; ++i)); do echo $EPOCHREALTIME; sleep "
             "0.003; done\n");
  auto& all = where.delays;
  std::sort(all.begin(), all.end());
  if (all.size() < 1000)
    std::abort();
  std::printf("echo -> worker, %zu lines     p50 %.2f ms  p99 %.2f ms  max "
              "%.2f ms\n",
              all.size(), all[all.size() / 2], all[all.size() * 99 / 100],
              all.back());
}

/// From the runner's start to its exit, for a script that takes no time.
void shortest_script() {
  for (auto linked : {false, true}) {
    std::vector<double> all;
    for (auto i = 0; i < 100; ++i) {
      place where;
      if (linked)
        where.serve(true);
      all.push_back(1000 * run(where, "echo hi\n").seconds);
    }
    std::sort(all.begin(), all.end());
    std::printf("echo hi, %s      p50 %.1f ms  p99 %.1f ms\n",
                linked ? "with a link " : "without one ", all[50], all[99]);
  }
}

/// Connections of another process, so that this one's memory is the server's.
void idle_connections(std::size_t count) {
  std::array<int, 2> down;
  std::array<int, 2> up;
  if (::pipe(down.data()) != 0 || ::pipe(up.data()) != 0)
    std::abort();
  auto child = ::fork();
  if (child == 0) {
    ::close(down[1]);
    std::uint16_t port = 0;
    if (::read(down[0], &port, sizeof(port)) != sizeof(port))
      std::_Exit(1);
    std::vector<std::unique_ptr<runner_link::test::raw_runner>> all;
    for (std::size_t i = 0; i < count; ++i) {
      auto x = std::make_unique<runner_link::test::raw_runner>(port);
      if (!x->secure("t" + std::to_string(i), bench_key())
          || !x->send("hello 1 1\n") || !x->line() || !x->send("a line\n"))
        std::_Exit(1);
      all.push_back(std::move(x));
    }
    if (::write(up[1], "x", 1) != 1)
      std::_Exit(1);
    char end = 0;
    // Until the parent has measured and closes its end.
    std::_Exit(::read(down[0], &end, 1) == 0 ? 0 : 1);
  }
  {
    halibut::io_thread thread;
    std::uint16_t port = 0;
    auto made = runner_link::make_server(thread, {.bind = "127.0.0.1"}, port);
    auto& server = **made;
    std::atomic<std::size_t> got = 0;
    auto expect = [&](std::size_t i) {
      runner_link::callbacks tell;
      tell.on_open = [&](auto id, auto) { server.resume(id, 0); };
      tell.on_data = [&](auto, auto) { ++got; };
      server.expect({"t" + std::to_string(i)}, bench_key(), std::move(tell));
    };
    for (std::size_t i = 0; i < count; ++i)
      expect(i);
    auto before = resident_kib();
    auto start = steady_clock::now();
    if (::write(down[1], &port, sizeof(port)) != sizeof(port))
      std::abort();
    char ready = 0;
    if (::read(up[0], &ready, 1) != 1)
      std::abort();
    while (got < count)
      std::this_thread::sleep_for(1ms);
    auto took = duration<double>(steady_clock::now() - start).count();
    std::printf("%zu idle connections          %.1f KiB each, made in %.2f s "
                "one after the other\n",
                count, (resident_kib() - before) / static_cast<double>(count),
                took);
    ::close(down[1]);
    auto status = 0;
    ::waitpid(child, &status, 0);
  }
}

} // namespace

int main(int argc, char** argv) {
  std::size_t mib = 1024;
  if (argc > 1)
    mib = std::stoul(argv[1]);
  // Before there is a thread, since it forks.
  idle_connections(1000);
  throughput(mib);
  latency();
  shortest_script();
}
