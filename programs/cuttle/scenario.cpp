#include "programs/cuttle/scenario.hpp"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <unistd.h>

#include "infra/telemetry/log.hpp"
#include "programs/cuttle/scenario_stage.hpp"

namespace cuttle {

namespace {

constexpr int exit_held = 0;
constexpr int exit_failed = 1;
constexpr int exit_misuse = 2;
constexpr int exit_lacking = 3;

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string label(const scenario& x) {
  return std::string{"E2E-"} + (x.number < 10 ? "0" : "")
         + std::to_string(x.number);
}

// Plays it once, on one cluster; returns the exit code.
int play_once(const demo_options& options, const scenario& what,
              const std::string& version, demo_screen& screen,
              stop_signal& stop) {
  scenario_stage stage{options, version, screen, stop};
  if (auto ready = stage.prepare(what.registered); !ready) {
    std::fprintf(stderr, "cuttle demo: %s\n", ready.error().text.c_str());
    return exit_failed;
  }
  what.play(stage);
  if (stop.raised()) {
    std::fprintf(stderr, "cuttle demo: interrupted\n");
    return exit_failed;
  }
  screen.heading("What was expected");
  std::size_t held = 0;
  for (auto& x : stage.checks()) {
    screen.check(x.expectation, x.held, x.found);
    held += x.held ? 1 : 0;
  }
  for (auto& x : stage.lacking())
    screen.say("  [lacking] " + x);
  screen.say(std::to_string(held) + " of "
             + std::to_string(stage.checks().size()) + " expectations held.");
  if (held < stage.checks().size() || stage.checks().empty())
    return exit_failed;
  return stage.lacking().empty() ? exit_held : exit_lacking;
}

} // namespace

const scenario* find_scenario(const std::string& name) {
  auto wanted = lower(name);
  for (auto& x : scenarios())
    if (wanted == x.name || wanted == lower(label(x))
        || wanted == std::to_string(x.number))
      return &x;
  return nullptr;
}

std::string scenario_list() {
  std::string result;
  for (auto& x : scenarios()) {
    auto name = x.name;
    name.resize(std::max<std::size_t>(name.size(), 18), ' ');
    result += "  " + label(x) + "  " + name + "  " + x.title + '\n';
  }
  return result;
}

int run_scenario(const demo_options& options, const std::string& name) {
  if (lower(name) == "list") {
    std::printf("%s", scenario_list().c_str());
    return exit_held;
  }
  auto* what = find_scenario(name);
  if (!what) {
    std::fprintf(stderr,
                 "cuttle demo: there is no scenario '%s'; there are\n%s",
                 name.c_str(), scenario_list().c_str());
    return exit_misuse;
  }
  telemetry::start_logging(options.log_level);
  auto code = exit_held;
  {
    // Before any thread, so that all inherit its blocked signals.
    stop_signal stop;
    demo_screen screen{
      {!options.plain && isatty(STDOUT_FILENO) == 1, options.verbose, 10}};
    screen.heading(label(*what) + " " + what->title);
    screen.say(what->why);
    auto versions = what->versions;
    if (versions.empty() || options.kubeconfig)
      versions = {""};
    for (auto& version : versions) {
      auto next = play_once(options, *what, version, screen, stop);
      code = code == exit_failed || next == exit_failed ? exit_failed
                                                        : std::max(code, next);
      if (stop.raised())
        break;
    }
  }
  telemetry::stop_logging();
  return code;
}

} // namespace cuttle
