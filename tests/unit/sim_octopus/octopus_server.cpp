#include "infra/sim/octopus_server.hpp"

#include <algorithm>
#include <atomic>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/sim_octopus/scripted_worker.hpp"

namespace cuttle::sim {

namespace {

using namespace std::chrono_literals;
using words = std::vector<std::string>;
using tentacle::service_call;

const auto pending = process_state::pending;
const auto running = process_state::running;
const auto complete = process_state::complete;

template <class Call>
bool is(const service_call& call) {
  return std::holds_alternative<Call>(call);
}

std::ptrdiff_t times(const words& all, const std::string& what) {
  return std::count_if(all.begin(), all.end(), [&](const std::string& x) {
    return x.starts_with(what);
  });
}

// A worker whose script runs for some status calls and prints one line each.
scripted_pair::answer_function counting_script(const script_ticket& ticket,
                                               std::int64_t count) {
  return [ticket, count](const service_call& call) -> scripted_pair::answer {
    if (is<start_script>(call))
      return status_of(ticket, pending);
    if (auto* x = std::get_if<get_status>(&call)) {
      auto next = x->last_sequence + 1;
      auto end = next >= count;
      return status_of(ticket, end ? complete : running, next,
                       {"line " + std::to_string(next)}, end ? 7 : 0);
    }
    if (is<cancel_script>(call))
      return status_of(ticket, complete, 0, {"Script execution canceled."},
                       exit_cancelled);
    return script_status{};
  };
}

} // namespace

TEST(OctopusServer, RunsAScriptToItsEnd) {
  scripted_pair pair;
  pair.start_server();
  auto ticket = make_ticket();
  pair.start_worker(counting_script(ticket, 3));
  auto future = pair.run(ticket);
  auto result = pair.get(future);
  EXPECT_EQ(result.trouble.text, "");
  EXPECT_EQ(result.state, complete);
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_EQ(pair.lines.get(), (words{"line 1", "line 2", "line 3"}));
  EXPECT_EQ(pair.calls.get(),
            (words{"GetCapabilities", "StartScript", "GetStatus 0",
                   "GetStatus 1", "GetStatus 2", "CompleteScript"}));
  EXPECT_EQ(result.start_calls, 1u);
  EXPECT_EQ(result.status_calls, 3u);
  EXPECT_EQ(result.complete_calls, 1u);
  EXPECT_LT(result.queued, result.started);
  EXPECT_LE(result.started, result.first_script_line);
  EXPECT_LT(result.first_script_line, result.ended);
}

TEST(OctopusServer, AsksForCapabilitiesOnceForManyScripts) {
  scripted_pair pair;
  pair.start_server();
  pair.start_worker([](const service_call& call) -> scripted_pair::answer {
    if (auto* x = std::get_if<start_script>(&call))
      return status_of(x->ticket, complete);
    return script_status{};
  });
  auto first = pair.run(make_ticket());
  pair.get(first);
  std::vector<std::future<script_result>> more;
  for (int i = 0; i < 20; ++i)
    more.push_back(pair.run(make_ticket()));
  for (auto& x : more) {
    auto result = pair.get(x);
    EXPECT_EQ(result.state, complete);
    EXPECT_EQ(result.status_calls, 0u);
  }
  EXPECT_EQ(times(pair.calls.get(), "GetCapabilities"), 1);
  EXPECT_EQ(times(pair.calls.get(), "CompleteScript"), 21);
}

TEST(OctopusServer, CancelsARunningScript) {
  scripted_pair pair;
  pair.start_server();
  auto ticket = make_ticket();
  pair.start_worker(counting_script(ticket, 1'000'000));
  auto future = pair.run(ticket);
  ASSERT_TRUE(pair.lines.wait([](auto& all) { return all.size() >= 3; }));
  pair.server().cancel(ticket);
  auto result = pair.get(future);
  EXPECT_TRUE(result.cancelled);
  EXPECT_EQ(result.state, complete);
  EXPECT_EQ(result.exit_code, exit_cancelled);
  EXPECT_EQ(result.cancel_calls, 1u);
  EXPECT_EQ(pair.lines.get().back(), "Script execution canceled.");
  EXPECT_EQ(pair.calls.get().back(), "CompleteScript");
}

TEST(OctopusServer, LeavesNoTraceOfAScriptCancelledInTheQueue) {
  scripted_pair pair;
  pair.start_server();
  auto ticket = make_ticket();
  pair.server().cancel(ticket);
  auto future = pair.run(ticket);
  pair.server().cancel(ticket);
  auto result = pair.get(future);
  EXPECT_TRUE(result.cancelled);
  EXPECT_EQ(result.trouble.code, errc::cancelled);
  auto after = make_ticket();
  pair.start_worker(counting_script(after, 1));
  auto second = pair.run(after);
  EXPECT_EQ(pair.get(second).exit_code, 7);
  EXPECT_EQ(times(pair.calls.get(), "GetCapabilities"), 1);
  EXPECT_EQ(times(pair.calls.get(), "StartScript"), 1);
  EXPECT_EQ(times(pair.calls.get(), "CancelScript"), 0);
}

TEST(OctopusServer, DoesNotSendAStartThatWasCancelledInTheQueue) {
  scripted_pair pair;
  pair.start_server();
  auto busy = make_ticket();
  pair.start_worker(
    [&](const service_call& call) -> scripted_pair::answer {
      if (auto* x = std::get_if<start_script>(&call))
        return status_of(x->ticket, pending);
      return scripted_pair::no_answer();
    },
    1);
  auto first = pair.run(busy);
  ASSERT_TRUE(
    pair.calls.wait([](auto& all) { return times(all, "GetStatus") == 1; }));
  auto waiting = make_ticket();
  auto second = pair.run(waiting);
  pair.server().cancel(waiting);
  auto result = pair.get(second);
  EXPECT_TRUE(result.cancelled);
  EXPECT_EQ(result.trouble.code, errc::cancelled);
  EXPECT_EQ(result.start_calls, 1u);
  EXPECT_EQ(result.cancel_calls, 0u);
  EXPECT_EQ(times(pair.calls.get(), "StartScript"), 1);
}

TEST(OctopusServer, TriesAgainWhatTheWorkerCallsTransient) {
  scripted_pair pair;
  pair.start_server();
  auto ticket = make_ticket();
  std::atomic<int> refused = 0;
  auto normal = counting_script(ticket, 1);
  pair.start_worker([&](const service_call& call) -> scripted_pair::answer {
    if (is<start_script>(call) && refused++ == 0)
      return fail(errc::unavailable, "The API server does not answer.");
    return normal(call);
  });
  auto future = pair.run(ticket);
  auto result = pair.get(future);
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_EQ(result.start_calls, 2u);
  EXPECT_GE(result.started - result.queued, 1s);
}

TEST(OctopusServer, FailsAScriptThatTheWorkerRefuses) {
  scripted_pair pair;
  pair.start_server();
  pair.start_worker([](const service_call&) -> scripted_pair::answer {
    return fail(errc::forbidden, "Pods may not be created.");
  });
  auto future = pair.run(make_ticket());
  auto result = pair.get(future);
  EXPECT_EQ(result.trouble.code, errc::invalid_request);
  EXPECT_NE(result.trouble.text.find("Pods may not be created."),
            std::string::npos);
  EXPECT_EQ(result.start_calls, 1u);
  EXPECT_EQ(times(pair.calls.get(), "CancelScript"), 0);
  EXPECT_EQ(times(pair.calls.get(), "CompleteScript"), 0);
}

TEST(OctopusServer, GoesOnWithScriptsAfterARestart) {
  scripted_pair pair;
  pair.start_server();
  auto ticket = make_ticket();
  pair.start_worker(counting_script(ticket, 60));
  auto future = pair.run(ticket);
  ASSERT_TRUE(pair.lines.wait([](auto& all) { return all.size() >= 3; }));
  pair.server().restart(300ms);
  ASSERT_TRUE(pair.connected.wait([](int count) { return count == 0; }));
  ASSERT_TRUE(pair.connected.wait([](int count) { return count == 2; }));
  auto result = pair.get(future);
  EXPECT_EQ(result.trouble.text, "");
  EXPECT_EQ(result.exit_code, 7);
  auto lines = pair.lines.get();
  ASSERT_EQ(lines.size(), 60u);
  EXPECT_EQ(lines.back(), "line 60");
  EXPECT_EQ(result.start_calls, 1u);
}

TEST(OctopusServer, ARestartDoesNotDependOnProcessesStartedMeanwhile) {
  scripted_pair pair;
  pair.start_server();
  auto ticket = make_ticket();
  pair.start_worker(counting_script(ticket, 1));
  // A child that lives on and would hold an inherited listening socket.
  const char* words[] = {"sleep", "60", nullptr};
  pid_t child = -1;
  ASSERT_EQ(::posix_spawnp(&child, "sleep", nullptr, nullptr,
                           const_cast<char**>(words), environ),
            0);
  pair.server().restart(10ms);
  EXPECT_TRUE(pair.connected.wait([](int count) { return count == 0; }));
  EXPECT_TRUE(pair.connected.wait([](int count) { return count == 2; }));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

TEST(OctopusServer, RefusesTheTicketOfAScriptThatGoesOn) {
  scripted_pair pair;
  pair.start_server();
  auto ticket = make_ticket();
  pair.start_worker(counting_script(ticket, 1'000'000));
  auto first = pair.run(ticket);
  ASSERT_TRUE(pair.lines.wait([](auto& all) { return !all.empty(); }));
  auto second = pair.run({ticket.key()});
  EXPECT_EQ(pair.get(second).trouble.code, errc::conflict);
  pair.server().cancel(ticket);
  EXPECT_EQ(pair.get(first).exit_code, exit_cancelled);
  auto third = pair.run(ticket);
  ASSERT_TRUE(
    pair.calls.wait([](auto& all) { return times(all, "StartScript") == 2; }));
  pair.server().stop();
  EXPECT_EQ(pair.get(third).trouble.code, errc::shutting_down);
}

TEST(OctopusServer, EndsEveryScriptWhenItStops) {
  scripted_pair pair;
  pair.start_server();
  std::vector<std::future<script_result>> all;
  for (int i = 0; i < 5; ++i)
    all.push_back(pair.run(make_ticket()));
  pair.server().stop();
  for (auto& x : all)
    EXPECT_EQ(pair.get(x).trouble.code, errc::shutting_down);
  auto late = pair.run(make_ticket());
  EXPECT_EQ(pair.get(late).trouble.code, errc::shutting_down);
  pair.server().stop();
}

} // namespace cuttle::sim
