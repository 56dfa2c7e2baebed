#pragma once

#include "actor_fixture.hpp"

namespace cuttle::test {

/// A worker that may run one script, which runs.
class queue_fixture : public intake_fixture {
protected:
  void SetUp() override {
    intake_fixture::SetUp();
    settings->operations_limit = 1;
  }

  const script_ticket running{"Running-1"};
  const script_ticket queued{"Queued-1"};

  // One script runs, which is as many as may.
  void fill() {
    load();
    started(running);
  }

  start_script of(const std::string& project, const script_ticket& ticket) {
    auto result = command(ticket);
    result.auth = auth_context{"default", project, {}, "test", {}, "step"};
    return result;
  }

  answer_ptr<script_status> start_of(const std::string& project,
                                     const std::string& ticket) {
    return ask(intake, of(project, {ticket}));
  }

  start_script health_check(const std::string& ticket) {
    auto result = command({ticket});
    result.raw = true;
    result.service_account = "octopus-agent-auto-upgrader";
    return result;
  }

  bool begun(const script_ticket& ticket) {
    return cluster.find(ticket) != nullptr;
  }

  void expect_nothing_of(const script_ticket& ticket) {
    EXPECT_FALSE(store.requests.contains(ticket.key()));
    EXPECT_FALSE(store.workspaces.contains(ticket.key()));
    EXPECT_FALSE(begun(ticket));
    for (auto& x : summary().operations)
      EXPECT_FALSE(x.ticket == ticket);
  }
};

} // namespace cuttle::test
