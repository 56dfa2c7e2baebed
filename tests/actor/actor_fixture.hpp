#pragma once

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <gtest/gtest.h>

#include "actors/context.hpp"
#include "actors/failure.hpp"
#include "actors/pod_watch.hpp"
#include "actors/task_intake.hpp"
#include "messages/actors.hpp"
#include "scripted_cluster.hpp"
#include "scripted_store.hpp"

namespace cuttle::test {

using namespace std::chrono_literals;

/// What became of one request.
template <class T>
struct answer {
  std::optional<T> value;
  std::optional<failure> error;
  bool done = false;

  T* operator->() {
    if (!value) {
      ADD_FAILURE() << (error ? error->text : "there is no answer yet");
      value.emplace();
    }
    return &*value;
  }
};

template <class T>
using answer_ptr = std::shared_ptr<answer<T>>;

/// An actor system without threads, whose clock moves when told, with the
/// drivers scripted. Each test checks in the end that no actor is left.
class actor_fixture : public ::testing::Test {
protected:
  struct test_config : caf::actor_system_config {
    test_config() {
      set("caf.scheduler.policy", "testing");
    }
  };

  actor_fixture() {
    made = std::make_shared<worker_context>(worker_context{
      .cluster = cluster, .store = store, .metrics = metrics, .settings = {}});
    made->settings.pods.namespace_name = "cuttle";
    made->log_key = [](const script_ticket&) { return sample_key(); };
    made->now = [this] {
      if (on_now)
        on_now();
      return now_;
    };
    made->on_step = [this](std::string_view step, const script_ticket& ticket) {
      if (on_step)
        on_step(step, ticket);
    };
    settings = &made->settings;
    patience = &made->patience;
    context = made;
  }

  void SetUp() override {
    base_ = system_.registry().running();
    auto root = system_.spawn([this](caf::event_based_actor* self) {
      self->set_exit_handler([this, self](caf::exit_msg& x) {
        exits.push_back(x.reason);
        if (x.reason == caf::exit_reason::kill)
          self->quit(x.reason);
      });
      return caf::behavior{[](int) {}};
    });
    root_ = caf::actor_cast<caf::strong_actor_ptr>(root);
    parent_ = static_cast<caf::event_based_actor*>(
      caf::actor_cast<caf::abstract_actor*>(root_));
    settle();
  }

  void TearDown() override {
    on_step = nullptr;
    caf::anon_send_exit(caf::actor_cast<caf::actor>(root_),
                        caf::exit_reason::kill);
    for (auto& x : extra_)
      caf::anon_send_exit(x, caf::exit_reason::kill);
    extra_.clear();
    settle();
    drop_handles();
    root_ = nullptr;
    cluster.clear();
    store.clear();
    settle();
    EXPECT_EQ(system_.registry().running(), base_)
      << "the test leaves an actor behind";
    EXPECT_EQ(context->log_memory->used(), 0u) << "log bytes are miscounted";
    if (system_.registry().running() > base_)
      system_.await_actors_before_shutdown(false);
  }

  /// Drops what a fixture keeps of actors.
  virtual void drop_handles() {}

  /// The actor whose children the test spawns, as if it handled a message now.
  caf::event_based_actor& parent() {
    parent_->context(system_.dummy_execution_unit());
    return *parent_;
  }

  caf::actor_system& system() {
    return system_;
  }

  /// An actor that TearDown ends.
  template <class Handle>
  Handle track(Handle x) {
    extra_.push_back(caf::actor_cast<caf::actor>(x));
    return x;
  }

  /// Whether the metrics have that line.
  bool measures(const std::string& line) const {
    return ("\n" + metrics.render()).find("\n" + line + "\n")
           != std::string::npos;
  }

  /// Handles messages until none is left.
  void settle() {
    scheduler_.run();
  }

  void run_once() {
    scheduler_.run_once();
  }

  bool has_job() const {
    return scheduler_.has_job();
  }

  /// Lets the drivers answer and the actors work until nothing moves.
  void serve() {
    settle();
    for (int i = 0; i < 10'000; ++i) {
      auto busy = store.serve();
      busy = cluster.serve() || busy;
      settle();
      if (!busy)
        return;
    }
    FAIL() << "the actors and the drivers keep each other busy for ever";
  }

  template <class Rep, class Period>
  void advance(std::chrono::duration<Rep, Period> by) {
    now_ += by;
    cluster.now = now_;
    scheduler_.advance_time(std::chrono::duration_cast<caf::timespan>(by));
    settle();
  }

  /// Moves the actors' clock alone, and handles nothing.
  void advance_clock(std::chrono::milliseconds by) {
    scheduler_.advance_time(std::chrono::duration_cast<caf::timespan>(by));
  }

  /// Sends a request; the answer fills in as soon as it is there.
  template <class T = script_status, class Handle, class... Ts>
  answer_ptr<T> ask(const Handle& to, Ts&&... xs) {
    auto result = std::make_shared<answer<T>>();
    auto failed = [result](const caf::error& e) {
      result->error = to_failure(e);
      result->done = true;
    };
    // A request without result is answered with true.
    if constexpr (std::is_same_v<T, bool>)
      parent()
        .request(to, caf::infinite, std::forward<Ts>(xs)...)
        .then(
          [result] {
            result->value = true;
            result->done = true;
          },
          failed);
    else
      parent()
        .request(to, caf::infinite, std::forward<Ts>(xs)...)
        .then(
          [result](T& x) {
            result->value = std::move(x);
            result->done = true;
          },
          failed);
    return result;
  }

  scripted_cluster cluster;
  scripted_store store;
  telemetry::registry metrics;
  std::function<void(std::string_view, const script_ticket&)> on_step;
  std::function<void()> on_now;
  /// The context, to be changed before the actors come up.
  std::shared_ptr<worker_context> made;
  settings::environment_settings* settings = nullptr;
  cuttle::patience* patience = nullptr;
  context_ptr context;
  /// Reasons with which children of the test ended.
  std::vector<caf::error> exits;
  timestamp now_{std::chrono::hours{24 * 365 * 56}};

private:
  test_config config_;
  caf::actor_system system_{config_};
  caf::scheduler::test_coordinator& scheduler_
    = dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  std::size_t base_ = 0;
  caf::strong_actor_ptr root_;
  caf::event_based_actor* parent_ = nullptr;
  std::vector<caf::actor> extra_;
};

/// The intake with its watch and a health actor that takes notes.
class intake_fixture : public actor_fixture {
protected:
  void SetUp() override {
    actor_fixture::SetUp();
    cluster.now = now_;
    health = track(system().spawn(
      [this](health_actor::pointer) -> health_actor::behavior_type {
        return {
          [this](const component_report& x) { reports.push_back(x); },
          [](live_atom) {
            return probe_report{true, "alive"};
          },
          [](ready_atom) {
            return probe_report{true, "ready"};
          },
          [this](drain_atom) { ++health_drains; },
        };
      }));
  }

  /// The worker comes up, with the pods that the cluster has.
  void load() {
    intake = spawn_task_intake(parent(), context, health);
    watch = spawn_pod_watch(parent(), context, intake, health);
    settle();
    store.serve();
    settle();
    cluster.list();
    serve();
  }

  /// The worker's process ends and a new one comes up.
  void restart() {
    parent().send_exit(intake, caf::exit_reason::kill);
    parent().send_exit(watch, caf::exit_reason::kill);
    intake = nullptr;
    watch = nullptr;
    settle();
    exits.clear();
    load();
  }

  void drop_handles() override {
    intake = nullptr;
    watch = nullptr;
    health = nullptr;
  }

  start_script command(const script_ticket& ticket) {
    start_script result;
    result.ticket = ticket;
    result.task_id = "ServerTasks-1";
    result.script_body = "echo hello";
    return result;
  }

  answer_ptr<script_status> start(const script_ticket& ticket) {
    return ask(intake, command(ticket));
  }

  /// Starts a script and answers all of its creation.
  script_status started(const script_ticket& ticket) {
    auto reply = start(ticket);
    serve();
    return *reply->operator->();
  }

  script_status status(const script_ticket& ticket, std::int64_t cursor = 0) {
    auto reply = ask(intake, get_status{ticket, cursor});
    settle();
    return *reply->operator->();
  }

  script_status cancelled(const script_ticket& ticket,
                          std::int64_t cursor = 0) {
    auto reply = ask(intake, cancel_script{ticket, cursor});
    serve();
    return *reply->operator->();
  }

  answer_ptr<bool> complete(const script_ticket& ticket) {
    auto reply = ask<bool>(intake, complete_script{ticket});
    serve();
    return reply;
  }

  intake_summary summary() {
    auto reply = ask<intake_summary>(intake, summary_atom_v);
    settle();
    return *reply->operator->();
  }

  task_intake_actor intake;
  pod_watch_actor watch;
  health_actor health;
  std::vector<component_report> reports;
  unsigned health_drains = 0;
};

/// The texts of one source, in order.
inline std::vector<std::string> texts(const script_status& x,
                                      output_source source) {
  std::vector<std::string> result;
  for (auto& line : x.lines)
    if (line.source == source)
      result.push_back(line.text);
  return result;
}

/// Whether a line of the source contains the text.
inline bool says(const script_status& x, output_source source,
                 std::string_view text) {
  for (auto& line : texts(x, source))
    if (line.find(text) != std::string::npos)
      return true;
  return false;
}

/// `line <first>` to `line <last>`.
inline std::vector<std::string> numbered(int first, int last) {
  std::vector<std::string> result;
  for (int i = first; i <= last; ++i)
    result.push_back("line " + std::to_string(i));
  return result;
}

} // namespace cuttle::test
