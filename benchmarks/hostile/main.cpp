// A thousand connections that do their worst to each side that accepts: how
// much memory they take, and whether a good peer is still served.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "benchmarks/hostile/sides.hpp"

using namespace cuttle;
using namespace std::chrono;

namespace {

struct plan {
  unsigned connections = 1'000;
  unsigned seconds = 15;
};

/// A line such as `VmHWM` of this process's status, in MiB.
double memory(const std::string& name) {
  std::ifstream in{"/proc/self/status"};
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(name + ":"))
      return std::stod(line.substr(name.size() + 1)) / 1024;
  return 0;
}

void write_all(int pipe, const std::string& text) {
  if (::write(pipe, text.data(), text.size()) < 0)
    std::_Exit(1);
}

std::string read_all(int pipe) {
  std::string result;
  std::array<char, 4'096> room;
  for (;;) {
    auto got = ::read(pipe, room.data(), room.size());
    if (got <= 0)
      return result;
    result.append(room.data(), static_cast<std::size_t>(got));
  }
}

/// The attackers' process: gets the port, gives a table.
[[noreturn]] void attackers(bench::victim whom, const plan& how, int in,
                            int out) {
  std::uint16_t port = 0;
  if (::read(in, &port, sizeof(port)) != sizeof(port))
    std::_Exit(1);
  auto table = bench::attack(
    whom, {port, bench::trusted_identity(), bench::runner_key()},
    how.connections, how.seconds);
  std::string text;
  for (auto& x : table) {
    std::array<char, 200> line;
    std::snprintf(line.data(), line.size(), "  %-42s %5u %5u\n", x.name.c_str(),
                  x.opened, x.cut);
    text += line.data();
  }
  write_all(out, text);
  std::_Exit(0);
}

/// Attacks one side; in a process of its own, whose memory is the side's.
int run(const char* name, bench::victim whom, const plan& how) {
  std::array<int, 2> down;
  std::array<int, 2> up;
  if (::pipe(down.data()) != 0 || ::pipe(up.data()) != 0)
    return 1;
  auto child = ::fork();
  if (child == 0) {
    ::close(down[1]);
    ::close(up[0]);
    attackers(whom, how, down[0], up[1]);
  }
  ::close(down[0]);
  ::close(up[1]);
  auto victim = bench::make_side(whom);
  auto failed = 0u;
  std::vector<double> times;
  auto work = [&](bool new_connection) {
    auto start = steady_clock::now();
    failed += victim->work(new_connection) ? 0 : 1;
    duration<double, std::milli> took = steady_clock::now() - start;
    times.push_back(took.count());
  };
  work(true);
  times.clear();
  auto before = memory("VmRSS");
  auto port = victim->spoils().port;
  if (::write(down[1], &port, sizeof(port)) != sizeof(port))
    return 1;
  auto status = 0;
  for (unsigned i = 0; ::waitpid(child, &status, WNOHANG) == 0; ++i) {
    work(i % 10 == 9);
    std::this_thread::sleep_for(20ms);
  }
  std::sort(times.begin(), times.end());
  std::printf("%s\n  resident before %.1f MiB, most %.1f MiB, after %.1f MiB\n"
              "  good peer: %zu calls, %u failed, p50 %.1f ms, p99 %.1f ms, "
              "most %.1f ms\n  %-42s %5s %5s\n%s",
              name, before, memory("VmHWM"), memory("VmRSS"), times.size(),
              failed, times[times.size() / 2], times[times.size() * 99 / 100],
              times.back(), "what they do", "conns", "cut",
              read_all(up[0]).c_str());
  std::fflush(stdout);
  return failed > 0 || status != 0 ? 1 : 0;
}

} // namespace

int main(int argc, char** argv) {
  plan how;
  std::string only;
  CLI::App app{"Hostile connections to every side that accepts"};
  app.add_option("--connections", how.connections, "to each side");
  app.add_option("--seconds", how.seconds, "that they stay");
  app.add_option("--only", only, "listening, polling or runner");
  CLI11_PARSE(app, argc, argv);
  const std::pair<const char*, bench::victim> all[]{
    {"listening worker", bench::victim::listening_worker},
    {"polling port", bench::victim::polling_port},
    {"runner link", bench::victim::runner_link},
  };
  // Keys take time; they are the same on both sides of a fork.
  bench::own_identity();
  bench::trusted_identity();
  auto bad = 0;
  for (auto& [name, whom] : all) {
    if (!only.empty() && !std::string_view{name}.starts_with(only))
      continue;
    auto child = ::fork();
    if (child == 0)
      std::_Exit(run(name, whom, how));
    auto status = 0;
    ::waitpid(child, &status, 0);
    bad |= status;
  }
  return bad == 0 ? 0 : 1;
}
