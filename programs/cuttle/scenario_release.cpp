// Scenarios about what a script stands on: volume, worker, registration.

#include <fstream>

#include "infra/sim/octopus_rest.hpp"
#include "programs/cuttle/scenario_plays.hpp"

namespace cuttle::scenario_plays {

namespace {

using strings = std::vector<std::string>;
namespace fs = std::filesystem;
using nlohmann::json;

strings counted(int last) {
  strings result;
  for (int i = 1; i <= last; ++i)
    result.push_back("line " + std::to_string(i));
  return result;
}

/// Prints, and with an argument reads its own file from the volume each time.
constexpr auto storage_body = R"sh(set -e
for i in $(seq 1 60); do
  echo line $i
  if [ "$1" = volume ]; then cat "$PWD/$(basename "$0")" >/dev/null; fi
  sleep 0.1
done
)sh";

/// Takes the scripts' folders off the shared volume.
void lose_storage(scenario_stage& stage) {
  stage.note("the scripts' folders go from the shared volume");
  std::error_code failed;
  fs::rename(stage.home() / "Work", stage.folder() / "lost", failed);
  stage.expect("the shared volume can be taken away", !failed,
               failed.message());
}

} // namespace

void storage_lost(scenario_stage& stage) {
  if (!stage.start_worker())
    return;
  start_script command;
  command.script_body = storage_body;
  command.arguments = {"volume"};
  auto script = stage.start("normal", command);
  stage.expect("the script begins", stage.sees(*script, "line 5"));
  lose_storage(stage);
  auto result = stage.wait(*script);
  stage.expect("the step ends, and is not green",
               result.state == process_state::complete && result.exit_code != 0,
               std::to_string(result.exit_code));
  stage.expect("what it printed before is there", has_part(result, "line 5"));
  stage.expect("it did not go on to its last line",
               !has_part(result, "line 60"));
  stage.expect("the task log says what was missing",
               has_part(result, "No such file or directory"));
  stage.expect_gone(*script);
}

void storage_lost_raw(scenario_stage& stage) {
  if (!stage.start_worker())
    return;
  start_script command;
  command.raw = true;
  command.script_body = storage_body;
  // A container's folder is its own copy; a local process has none.
  command.arguments = {stage.embedded() ? "open-file" : "volume"};
  auto script = stage.start("raw", command);
  stage.expect("the script begins", stage.sees(*script, "line 5"));
  lose_storage(stage);
  auto result = stage.wait(*script);
  stage.expect("the exit code is 0",
               result.state == process_state::complete && result.exit_code == 0,
               std::to_string(result.exit_code));
  auto found = own_lines(result);
  stage.expect("each of its 60 lines arrives once and in order",
               found == counted(60), std::to_string(found.size()));
  stage.expect_gone(*script);
}

void storage_counted(scenario_stage& stage) {
  const std::string map = "kubernetes-agent-metrics";
  const std::string pod = "octopus-agent-nfs-0";
  stage.environment()["OCTOPUS__K8STENTACLE__ENABLEMETRICSCAPTURE"] = "true";
  stage.expect("the chart's config map for metrics can be made",
               stage.create("configmaps", {{"kind", "ConfigMap"},
                                           {"metadata", {{"name", map}}}}));
  if (!stage.start_worker())
    return;
  stage.note("a pod plays the NFS server: " + pod);
  json container{{"name", "nfs-server"},
                 {"image", stage.image()},
                 {"imagePullPolicy", "IfNotPresent"},
                 {"command", {"sleep", "600"}}};
  stage.expect(
    "the NFS server's pod can be made",
    stage.create("pods", {{"kind", "Pod"},
                          {"metadata", {{"name", pod}}},
                          {"spec",
                           {{"restartPolicy", "Never"},
                            {"terminationGracePeriodSeconds", 1},
                            {"containers", json::array({container})}}}}));
  stage.expect("it runs", stage.wait_until([&] {
    auto found = stage.get("pods/" + pod);
    return found.is_object()
           && found.value("/status/phase"_json_pointer, std::string{})
                == "Running";
  }));
  stage.remove("pods/" + pod, 1);
  std::string text;
  auto counted_once = stage.wait_until([&] {
    auto found = stage.get("configmaps/" + map);
    text = found.is_object()
             ? found.value("/data/metrics"_json_pointer, std::string{})
             : std::string{};
    auto metrics = json::parse(text, nullptr, false);
    auto at = "/Killing/nfs"_json_pointer;
    return metrics.is_object() && metrics.contains(at)
           && metrics[at].size() == 1;
  });
  stage.expect("the config map counts one Killing of nfs", counted_once, text);
}

void migration(scenario_stage& stage) {
  std::string uri;
  std::mutex mutex;
  sim::octopus_rest::options options;
  options.thumbprint = stage.server().thumbprint();
  options.on_worker
    = [&](const std::string& thumbprint, const std::string& address) {
        stage.server().transport().trust(thumbprint);
        std::lock_guard lock{mutex};
        uri = address;
      };
  sim::octopus_rest rest{std::move(options)};
  if (auto port = rest.start(); !port) {
    stage.expect("the server's REST API can be started", false,
                 port.error().text);
    return;
  }
  auto authority = stage.folder() / "ca.pem";
  auto auth = stage.folder() / "auth";
  std::ofstream{authority} << rest.authority();
  fs::create_directory(auth);
  std::ofstream{auth / "bearer-token"} << "token-of-admin\n";
  const std::string config = "tentacle-config-pre";
  const std::string secret = "tentacle-secret-pre";
  std::map<std::string, std::string> env{
    {"ACCEPT_EULA", "Y"},
    {"WorkerEnabled", "true"},
    {"AgentName", "k8s"},
    {"Space", "Default"},
    {"WorkerPools", "default-worker-pool"},
    {"ServerUrl", rest.url()},
    {"ServerCommsAddress",
     "https://127.0.0.1:" + std::to_string(stage.server().port())},
    {"CUTTLE_AUTH_DIR", auth.string()},
  };
  auto hook = env;
  hook["OCTOPUS__K8STENTACLE__TENTACLECONFIGMAPNAME"] = config;
  hook["OCTOPUS__K8STENTACLE__TENTACLEENCRYPTIONSECRETNAME"] = secret;
  strings command{"register", "--kubeconfig", stage.kubeconfig().string(),
                  "--ca-file", authority.string()};
  auto make_hook_objects = [&] {
    return stage.create("configmaps", {{"kind", "ConfigMap"},
                                       {"metadata", {{"name", config}}}})
           && stage.create(
             "secrets", {{"kind", "Secret"}, {"metadata", {{"name", secret}}}});
  };
  auto data_of = [&](const char* path) {
    auto found = stage.get(path);
    return found.is_object() ? found.value("data", json::object())
                             : json::object();
  };
  stage.expect("the hook's objects can be made", make_hook_objects());
  stage.expect("the hook registers the worker",
               stage.run_command(command, hook) == 0);
  auto registered = data_of("configmaps/tentacle-config-pre");
  stage.expect("its registration is in the hook's config map",
               registered.contains("Tentacle.Services.IsRegistered"),
               registered.dump());
  stage.expect("the installation's own config map is empty",
               data_of("configmaps/tentacle-config").empty());
  stage.expect("the worker's start takes it over",
               stage.run_command(command, env) == 0);
  auto moved = data_of("configmaps/tentacle-config");
  auto same = [&](const char* key) {
    return moved.contains(key) && moved[key] == registered.value(key, json());
  };
  stage.expect("the registration has moved, with its certificate",
               same("Tentacle.Services.IsRegistered")
                 && same("Tentacle.CertificateThumbprint")
                 && same("Tentacle.Communication.TrustedOctopusServers"));
  stage.expect("the hook's config map and secret are deleted",
               stage.get("configmaps/" + config).is_null()
                 && stage.get("secrets/" + secret).is_null());
  // Once more, with what a second hook has left.
  stage.expect(
    "a second hook's config map can be made",
    stage.create("configmaps",
                 {{"kind", "ConfigMap"},
                  {"metadata", {{"name", config}}},
                  {"data", {{"Tentacle.Services.IsRegistered", "true"}}}}));
  stage.expect("a registered worker starts again",
               stage.run_command(command, env) == 0);
  stage.expect("and keeps its own registration",
               data_of("configmaps/tentacle-config") == moved);
  {
    std::lock_guard lock{mutex};
    stage.set_subscription(uri);
  }
  if (!stage.start_worker())
    return;
  start_script hello;
  hello.script_body = "echo I have moved";
  auto result = stage.wait(*stage.start("normal", hello));
  stage.expect("the worker runs scripts under the registration that moved",
               result.exit_code == 0
                 && own_lines(result) == strings{"I have moved"},
               std::to_string(result.exit_code));
}

void upgrade(scenario_stage& stage) {
  if (!stage.start_worker())
    return;
  auto first = stage.worker_id();
  start_script command;
  command.raw = true;
  command.service_account = "octopus-agent-auto-upgrader";
  command.script_body = R"sh(echo "helm upgrade begins"
for i in $(seq 1 60); do
  echo line $i
  sleep 0.1
done
)sh";
  auto script = stage.start("raw", command);
  stage.expect("the upgrade begins", stage.sees(*script, "line 5"));
  auto code = stage.stop_worker();
  stage.expect("the old worker ends with code 0 and leaves the script's pod",
               code == 0 && !script->ended(), std::to_string(code));
  if (!stage.start_worker())
    return;
  stage.expect("another worker goes on", stage.worker_id() != first);
  auto result = stage.wait(*script);
  stage.expect("the exit code is 0",
               result.state == process_state::complete && result.exit_code == 0,
               std::to_string(result.exit_code));
  auto wanted = counted(60);
  wanted.insert(wanted.begin(), "helm upgrade begins");
  stage.expect("each of its 61 lines arrives once and in order",
               own_lines(result) == wanted,
               std::to_string(own_lines(result).size()));
  stage.expect_gone(*script);
}

} // namespace cuttle::scenario_plays
