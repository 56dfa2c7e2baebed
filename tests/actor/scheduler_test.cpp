// The scheduler of the worker, with real threads.

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/stateful_actor.hpp>
#include <gtest/gtest.h>
#include <latch>
#include <memory>
#include <vector>

#include "actors/work_handing.hpp"

namespace cuttle::test {

namespace {

using namespace std::chrono_literals;

struct threaded_config : caf::actor_system_config {
  explicit threaded_config(std::size_t threads) {
    module_factories.emplace_back(make_work_handing);
    set("caf.scheduler.max-threads", threads);
    set("caf.scheduler.max-throughput", std::size_t{10});
    set("caf.logger.file.verbosity", "quiet");
    set("caf.logger.console.verbosity", "quiet");
  }
};

// Passes a number on to the next one.
caf::behavior passer(caf::event_based_actor* self, caf::actor next) {
  return {[self, next](int x) { self->send(next, x + 1); }};
}

// Two that never stop to wake each other.
struct endless_state {
  caf::actor other;
};

caf::behavior endless(caf::stateful_actor<endless_state>* self) {
  return {
    [self](const caf::actor& other) {
      self->state.other = other;
      self->send(other, 1);
    },
    [self](int x) {
      if (self->state.other)
        self->send(self->state.other, x);
      else
        self->state.other = caf::actor_cast<caf::actor>(self->current_sender());
      if (x == 1)
        self->send(self->state.other, 2);
    },
  };
}

TEST(WorkHanding, ARequestPassesThroughAChainOfActors) {
  threaded_config config{2};
  caf::actor_system system{config};
  caf::scoped_actor self{system};
  caf::actor next{self};
  std::vector<caf::actor> chain;
  for (auto i = 0; i < 100; ++i)
    chain.push_back(next = system.spawn(passer, next));
  for (auto i = 0; i < 50; ++i)
    self->send(next, 0);
  for (auto i = 0; i < 50; ++i)
    self->receive([](int x) { EXPECT_EQ(x, 100); },
                  caf::after(30s) >> [] { FAIL() << "a message is lost"; });
  for (auto& x : chain)
    self->send_exit(x, caf::exit_reason::kill);
}

TEST(WorkHanding, WhoIsWokenByAnotherThreadHasItsTurnBesideAnEndlessPair) {
  threaded_config config{1};
  caf::actor_system system{config};
  caf::scoped_actor self{system};
  auto one = system.spawn(endless);
  auto two = system.spawn(endless);
  self->send(one, two);
  caf::actor me{self};
  auto other = system.spawn(passer, me);
  for (auto i = 0; i < 20; ++i) {
    self->send(other, i);
    self->receive([i](int x) { EXPECT_EQ(x, i + 1); },
                  caf::after(30s) >> [] { FAIL() << "it is starved"; });
  }
  self->send_exit(one, caf::exit_reason::kill);
  self->send_exit(two, caf::exit_reason::kill);
}

TEST(WorkHanding, SeveralThatOneHasWokenRunAtOnce) {
  threaded_config config{2};
  caf::actor_system system{config};
  caf::scoped_actor self{system};
  // Each of the two waits, as no handler ever should, for the other to run.
  auto both = std::make_shared<std::latch>(2);
  auto waiting = [both](caf::event_based_actor* actor) -> caf::behavior {
    return {[both, actor](int) {
      both->arrive_and_wait();
      actor->quit();
    }};
  };
  auto first = system.spawn(waiting);
  auto second = system.spawn(waiting);
  system.spawn([first, second](caf::event_based_actor* actor) {
    actor->send(first, 1);
    actor->send(second, 1);
  });
  self->wait_for(first, second);
  EXPECT_TRUE(both->try_wait());
}

} // namespace

} // namespace cuttle::test
