#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <malloc.h>
#include <sstream>
#include <utility>

#include "infra/kubernetes/api_client.hpp"
#include "infra/settings/memory_limit.hpp"
#include "infra/telemetry/log.hpp"
#include "programs/cuttle/commands.hpp"
#include "programs/cuttle/hand_over.hpp"
#include "programs/cuttle/stop_signal.hpp"
#include "programs/cuttle/worker_process.hpp"

namespace cuttle {

namespace {

constexpr int most_arenas = 2;

// The node ends the process soon anyway, and then reports its end.
constexpr std::chrono::seconds hand_over_patience{2};

int report(const std::vector<settings::problem>& problems, int code) {
  for (auto& x : problems)
    telemetry::error("setting-wrong",
                     {{"setting", x.variable}, {"reason", x.text}});
  telemetry::stop_logging();
  return code;
}

outcome<kubernetes::access> find_access(const run_options& options) {
  if (options.kubeconfig)
    return kubernetes::kubeconfig_access(*options.kubeconfig);
  return kubernetes::in_cluster_access();
}

// The process's variables, then those of a file `.env` [CFG-04].
settings::environment environment() {
  auto result = settings::process_environment();
  std::ifstream file{".env"};
  if (!file)
    return result;
  std::ostringstream text;
  text << file.rdbuf();
  return settings::with_env_file(std::move(result), text.str());
}

} // namespace

int run_worker(const run_options& options) {
  // An arena for each thread would keep a megabyte and more for nothing: what
  // one thread allocates another one frees here.
  mallopt(M_ARENA_MAX, most_arenas);
  stop_signal stop;
  auto variables = environment();
  auto env = settings::read_environment(variables);
  settings::fit_to_memory(env.values, variables, settings::memory_limit());
  telemetry::start_logging(env.values.level);
  for (auto& x : env.warnings)
    telemetry::warn("setting-ignored",
                    {{"setting", x.variable}, {"reason", x.text}});
  if (!env.errors.empty())
    return report(env.errors, 2);
  auto access = find_access(options);
  if (!access)
    return report({{"credentials", access.error().text}}, 2);
  access->namespace_name = env.values.pods.namespace_name;
  telemetry::info("worker-starting", {{"version", CUTTLE_VERSION},
                                      {"namespace", access->namespace_name},
                                      {"api_server", access->server}});
  {
    worker_process worker{{*access, env.values, {}, {}, true}};
    auto problems = worker.start(stop);
    if (!problems.empty())
      return report(problems, 1);
    auto signalled = stop.raised() || worker.wait(stop);
    if (!signalled) {
      telemetry::error("worker-broke");
      telemetry::stop_logging();
      return 1;
    }
    worker.drain();
  }
  // (the drivers have ended as well, and with them all writing)
  telemetry::info("worker-stopped");
  hand_over(*access, env.values.own_pod, env.values.own_pod_uid,
            hand_over_patience);
  telemetry::stop_logging();
  return 0;
}

} // namespace cuttle
