// What a status call costs inside the worker, from the intake to the operation
// and back, and what routing a pod's news costs; on one thread.

#include <benchmark/benchmark.h>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/init_global_meta_objects.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include "actors/task_intake.hpp"
#include "tests/actor/scripted_cluster.hpp"
#include "tests/actor/scripted_store.hpp"

namespace cuttle {

namespace {

struct stepping_config : caf::actor_system_config {
  stepping_config() {
    caf::init_global_meta_objects<caf::id_block::cuttle>();
    caf::core::init_global_meta_objects();
    set("caf.scheduler.policy", "testing");
  }
};

// An intake with so many operations whose pods wait.
class stage {
public:
  explicit stage(std::size_t operations) {
    auto made
      = std::make_shared<worker_context>(worker_context{.cluster = cluster_,
                                                        .store = store_,
                                                        .metrics = metrics_,
                                                        .settings = {}});
    made->settings.operations_limit = operations + 1;
    made->log_key = [](const script_ticket&) { return test::sample_key(); };
    made->now = [] { return timestamp::clock::now(); };
    auto root = system_.spawn(
      [](caf::event_based_actor*) { return caf::behavior{[](int) {}}; });
    root_ = caf::actor_cast<caf::strong_actor_ptr>(root);
    auto* parent = static_cast<caf::event_based_actor*>(
      caf::actor_cast<caf::abstract_actor*>(root_));
    parent->context(system_.dummy_execution_unit());
    health_
      = system_.spawn([](health_actor::pointer) -> health_actor::behavior_type {
          return {[](const component_report&) {},
                  [](live_atom) {
                    return probe_report{true, {}};
                  },
                  [](ready_atom) {
                    return probe_report{true, {}};
                  },
                  [](drain_atom) {}};
        });
    intake = spawn_task_intake(*parent, made, health_);
    pods_listed all;
    for (std::size_t i = 0; i < operations; ++i)
      all.pods.push_back(pod(i));
    caf::anon_send(intake, std::move(all));
    run();
  }

  ~stage() {
    caf::anon_send_exit(caf::actor_cast<caf::actor>(root_),
                        caf::exit_reason::kill);
    caf::anon_send_exit(health_, caf::exit_reason::kill);
    run();
    intake = nullptr;
    health_ = nullptr;
    root_ = nullptr;
    cluster_.clear();
    store_.clear();
    run();
  }

  static script_ticket ticket(std::size_t number) {
    return {"ticket" + std::to_string(number)};
  }

  static pod_snapshot pod(std::size_t number) {
    pod_snapshot result;
    result.ticket = ticket(number);
    result.name = "octopus-script-" + result.ticket.key();
    result.uid = std::to_string(number);
    result.phase = "Pending";
    return result;
  }

  void run() {
    scheduler_.run();
  }

  caf::actor_system& system() {
    return system_;
  }

  task_intake_actor intake;

private:
  stepping_config config_;
  caf::actor_system system_{config_};
  caf::scheduler::test_coordinator& scheduler_
    = dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  test::scripted_cluster cluster_;
  test::scripted_store store_;
  telemetry::registry metrics_;
  health_actor health_;
  caf::strong_actor_ptr root_;
};

void status_round_trip(benchmark::State& state) {
  auto operations = static_cast<std::size_t>(state.range(0));
  stage s{operations};
  caf::scoped_actor self{s.system()};
  std::size_t number = 0;
  for (auto _ : state) {
    auto handle = self->request(s.intake, caf::infinite,
                                get_status{stage::ticket(number), 0});
    s.run();
    handle.receive(
      [&](const script_status& status) {
        if (status.state != process_state::pending)
          state.SkipWithError("the operation is not there");
      },
      [&](const caf::error& e) { state.SkipWithError(to_string(e).c_str()); });
    number = (number + 1) % operations;
  }
  state.SetItemsProcessed(state.iterations());
}

void pod_news(benchmark::State& state) {
  auto operations = static_cast<std::size_t>(state.range(0));
  stage s{operations};
  std::size_t number = 0;
  for (auto _ : state) {
    caf::anon_send(s.intake, pod_changed{stage::pod(number)});
    s.run();
    number = (number + 1) % operations;
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(status_round_trip)->Arg(1)->Arg(1'000);
BENCHMARK(pod_news)->Arg(1)->Arg(1'000);

} // namespace

} // namespace cuttle
