#include <gtest/gtest.h>

#include "support.hpp"

namespace cuttle::settings {

namespace {

using namespace test;
using namespace std::chrono_literals;

std::string p(const char* name) {
  return std::string{prefix} + name;
}

std::string quoted(const char* value, const char* rest) {
  std::string result{'\''};
  result += value;
  result += "'";
  result += rest;
  return result;
}

} // namespace

TEST(Environment, IsCompleteWithWhatTheChartSets_CFG01) {
  auto result = read({});
  EXPECT_TRUE(result.errors.empty());
  EXPECT_TRUE(result.warnings.empty());
  auto& values = result.values;
  EXPECT_EQ(values.pods.namespace_name, "octopus");
  EXPECT_EQ(values.pods.service_account, "worker-scripts");
  EXPECT_EQ(values.pods.volume_claim, "worker-pvc");
  EXPECT_EQ(values.pods.release_name, "worker");
  EXPECT_EQ(values.pods.chart_version, "3.13.2");
  EXPECT_EQ(values.volume_size, "10Gi");
  EXPECT_EQ(values.runner_directory, "/runner/");
  EXPECT_EQ(values.config_map, "tentacle-config");
  EXPECT_EQ(values.encryption_secret, "tentacle-secret");
  EXPECT_EQ(values.level, log_level::info);
  EXPECT_FALSE(values.polling_connections);
  EXPECT_FALSE(values.pending_limit);
  EXPECT_EQ(values.orphan_age, 10min);
  EXPECT_EQ(values.watch_timeout, 600s);
  EXPECT_EQ(values.workspace_sweep, 2h);
  EXPECT_EQ(values.workspace_age, 24h);
  EXPECT_EQ(values.pods.home, "/octopus");
  EXPECT_EQ(values.pods.image_tag, "latest");
  EXPECT_FALSE(values.pods.image);
  EXPECT_TRUE(values.pods.image_pull_secrets.empty());
  EXPECT_EQ(values.http_port, 8080);
  EXPECT_EQ(values.drain_patience, 25s);
}

TEST(Environment, NamesEachRequiredVariableThatIsMissing_CFG01) {
  for (auto& [name, value] : chart_variables()) {
    if (name == "BOOTSTRAPRUNNEREXECUTABLEDIRECTORY")
      continue;
    for (auto blank : {false, true}) {
      auto variables = chart_variables();
      variables.erase(name);
      if (blank)
        variables[name] = "  ";
      auto result = read_environment(of(variables));
      ASSERT_EQ(result.errors.size(), 1u) << name;
      EXPECT_EQ(result.errors[0].variable, name);
      EXPECT_NE(result.errors[0].text.find("The environment variable '" + name
                                           + "' must be defined with a "
                                             "non-null value."),
                std::string::npos)
        << result.errors[0].text;
    }
  }
  EXPECT_EQ(read_environment(of({})).errors.size(), 6u);
}

TEST(Environment, TakesOptionalVariables) {
  auto result
    = read({{p("SCRIPTPODIMAGE"), "my/tools"},
            {p("SCRIPTPODIMAGETAG"), "1.2"},
            {p("SCRIPTPODPULLPOLICY"), "Always"},
            {p("PODPROXIESSECRETNAME"), "scripts-proxies"},
            {p("PODIMAGEPULLSECRETNAMES"), " a, ,b ,"},
            {p("NFSWATCHDOGIMAGE"), "watchdog:1"},
            {p("KUBERNETESMONITORENABLED"), "true"},
            {p("TENTACLECONFIGMAPNAME"), "tentacle-config-pre"},
            {p("TENTACLEENCRYPTIONSECRETNAME"), "tentacle-secret-pre"},
            {"TentacleHome", "/data/"}});
  EXPECT_TRUE(result.warnings.empty());
  auto& pods = result.values.pods;
  EXPECT_EQ(pods.image, "my/tools");
  EXPECT_EQ(pods.image_tag, "1.2");
  EXPECT_EQ(pods.pull_policy, "Always");
  EXPECT_EQ(pods.proxies_secret, "scripts-proxies");
  EXPECT_EQ(pods.image_pull_secrets, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(pods.nfs_watchdog_image, "watchdog:1");
  EXPECT_EQ(pods.kubernetes_monitor_enabled, "true");
  EXPECT_EQ(pods.home, "/data");
  EXPECT_EQ(result.values.config_map, "tentacle-config-pre");
  EXPECT_EQ(result.values.encryption_secret, "tentacle-secret-pre");
}

TEST(Environment, RefusesAHomeThatIsNoAbsolutePath) {
  auto result = read({{"TentacleHome", "octopus"}});
  ASSERT_EQ(result.errors.size(), 1u);
  EXPECT_EQ(result.errors[0].variable, "TentacleHome");
}

TEST(Environment, JoinsTheServersAddresses_CFG10) {
  auto joined = [](const string_map& more) {
    return read(more).values.pods.server_comms_addresses;
  };
  EXPECT_EQ(joined({}), "");
  EXPECT_EQ(joined({{"ServerCommsAddress", "https://a"}}), "https://a");
  EXPECT_EQ(joined({{"ServerCommsAddresses", "https://a,https://b"}}),
            "https://a,https://b");
  EXPECT_EQ(joined({{"ServerCommsAddress", "https://a"},
                    {"ServerCommsAddresses", "https://a,, https://b ,"}}),
            "https://a,https://a, https://b ");
}

TEST(Environment, TakesBooleansInAnyCase_CFG09) {
  for (auto text : {"true", "True", "TRUE", " true "}) {
    auto result = read({{p("DISABLEAUTOPODCLEANUP"), text},
                        {p("DISABLEPODEVENTSINTASKLOG"), text}});
    EXPECT_TRUE(result.values.disable_pod_cleanup) << text;
    EXPECT_TRUE(result.values.disable_pod_events) << text;
    EXPECT_TRUE(result.warnings.empty());
  }
  EXPECT_FALSE(
    read({{p("DISABLEAUTOPODCLEANUP"), "False"}}).values.disable_pod_cleanup);
}

TEST(Environment, IgnoresBooleansThatAreNone_CFG09) {
  for (auto text : {"1", "yes", "tru"}) {
    auto result = read({{p("DISABLEAUTOPODCLEANUP"), text}});
    EXPECT_FALSE(result.values.disable_pod_cleanup);
    EXPECT_EQ(warning(result, p("DISABLEAUTOPODCLEANUP")),
              quoted(text, " is not true or false; using false"));
  }
}

TEST(Environment, TakesTheNamesOfLogLevels) {
  constexpr std::pair<const char*, log_level> names[]
    = {{"Trace", log_level::trace}, {"Debug", log_level::debug},
       {"Info", log_level::info},   {"Warn", log_level::warn},
       {"Error", log_level::error}, {"Fatal", log_level::error},
       {"Off", log_level::off},     {"INFO", log_level::info},
       {"warning", log_level::warn}};
  for (auto& [name, level] : names)
    EXPECT_EQ(read({{"OCTOPUS__TENTACLE__LOGLEVEL", name}}).values.level, level)
      << name;
  auto result = read({{"OCTOPUS__TENTACLE__LOGLEVEL", "loud"}});
  EXPECT_EQ(result.values.level, log_level::info);
  EXPECT_EQ(warning(result, "OCTOPUS__TENTACLE__LOGLEVEL"),
            "'loud' is not one of Trace, Debug, Info, Warn, Error, Fatal, Off; "
            "using Info");
}

TEST(Environment, TakesTheLimitsOfPods_PND01) {
  auto result = read({{p("PENDINGPODSSTUCKAFTERMINUTES"), "60"},
                      {p("PODSCONSIDEREDORPHANEDAFTERMINUTES"), "2"},
                      {p("PODMONITORTIMEOUT"), "30"}});
  EXPECT_EQ(result.values.pending_limit, 60min);
  EXPECT_EQ(result.values.orphan_age, 2min);
  EXPECT_EQ(result.values.watch_timeout, 30s);
  for (auto text : {"0", "-1", "1.5", "an hour"}) {
    auto wrong = read({{p("PENDINGPODSSTUCKAFTERMINUTES"), text}});
    EXPECT_FALSE(wrong.values.pending_limit);
    EXPECT_EQ(
      warning(wrong, p("PENDINGPODSSTUCKAFTERMINUTES")),
      quoted(text, " is not a number from 1 to 525600; using no limit"));
  }
}

TEST(Environment, TakesTimeSpansAndDays) {
  auto sweep = [](const char* text) {
    return read({{"TENTACLE_WORKSPACE_CLEANER_DELAY", text}})
      .values.workspace_sweep;
  };
  EXPECT_EQ(sweep("00:30:00"), 30min);
  EXPECT_EQ(sweep("1.12:00:00"), 36h);
  EXPECT_EQ(sweep("3"), 72h);
  for (auto text : {"00:00:00", "-00:30:00", "0", "99999999", "soon"})
    EXPECT_EQ(sweep(text), 2h) << text;
  auto wrong = read({{"TENTACLE_WORKSPACE_CLEANER_DELETE_OLDER_THAN", "soon"}});
  auto text = warning(wrong, "TENTACLE_WORKSPACE_CLEANER_DELETE_OLDER_THAN");
  EXPECT_NE(text.find("using 1.00:00:00"), std::string::npos) << text;
}

TEST(Environment, IgnoresJsonThatIsNone_CFG09) {
  auto good = read({{p("PODRESOURCEJSON"), R"({"requests":{"cpu":"1"}})"},
                    {p("PODTOLERATIONSJSON"), "[]"}});
  EXPECT_EQ(good.values.pods.resources_json, R"({"requests":{"cpu":"1"}})");
  EXPECT_EQ(good.values.pods.tolerations_json, "[]");
  for (auto name : {"PODRESOURCEJSON", "PODAFFINITYJSON", "PODTOLERATIONSJSON",
                    "PODSECURITYCONTEXTJSON", "PODANNOTATIONSJSON",
                    "PODLABELSJSON", "ACCESSMODESJSON"}) {
    auto result = read({{p(name), "{oops"}});
    EXPECT_EQ(warning(result, p(name)),
              "'{oops' is not JSON; using the default");
    EXPECT_FALSE(result.values.pods.resources_json);
  }
}

TEST(Environment, TakesTheSecurityContextOfScriptContainers) {
  auto good = read({{"CUTTLE_POD_CONTAINER_SECURITY_CONTEXT", "{}"}});
  EXPECT_EQ(good.values.pods.container_security_context_json, "{}");
  auto wrong = read({{"CUTTLE_POD_CONTAINER_SECURITY_CONTEXT", "{oops"}});
  EXPECT_EQ(warning(wrong, "CUTTLE_POD_CONTAINER_SECURITY_CONTEXT"),
            "'{oops' is not JSON; using the default");
  EXPECT_FALSE(wrong.values.pods.container_security_context_json);
}

TEST(Environment, TakesTheTuning) {
  auto result = read({{"CUTTLE_SCHEDULER_THREADS", "3"},
                      {"CUTTLE_SCHEDULER_THROUGHPUT", "50"},
                      {"CUTTLE_DISK_THREADS", "7"},
                      {"CUTTLE_OPERATIONS_LIMIT", "2000"},
                      {"CUTTLE_QUEUE_LIMIT", "50"},
                      {"CUTTLE_CREATIONS_LIMIT", "8"},
                      {"CUTTLE_API_REQUESTS_LIMIT", "16"},
                      {"CUTTLE_LOG_BUFFER_BYTES", "2Mi"},
                      {"CUTTLE_LOG_TOTAL_BYTES", "1Gi"},
                      {"CUTTLE_RESPONSE_BYTES", "131072"},
                      {"CUTTLE_HTTP_BIND", "127.0.0.1"},
                      {"CUTTLE_HTTP_PORT", "0"},
                      {"CUTTLE_DRAIN_PATIENCE_SECONDS", "5"}});
  EXPECT_TRUE(result.warnings.empty());
  auto& values = result.values;
  EXPECT_EQ(values.scheduler_threads, 3u);
  EXPECT_EQ(values.scheduler_throughput, 50u);
  EXPECT_EQ(values.disk_threads, 7u);
  EXPECT_EQ(values.operations_limit, 2000u);
  EXPECT_EQ(values.queue_limit, 50u);
  EXPECT_EQ(values.creations_limit, 8u);
  EXPECT_EQ(values.api_requests_limit, 16u);
  EXPECT_EQ(values.log_buffer_bytes, 2u << 20);
  EXPECT_EQ(values.log_total_bytes, 1u << 30);
  EXPECT_EQ(values.response_bytes, 131'072u);
  EXPECT_EQ(values.http_bind, "127.0.0.1");
  EXPECT_EQ(values.http_port, 0);
  EXPECT_EQ(values.drain_patience, 5s);
}

TEST(Environment, SaysOneLineForEachWrongValueOfTheTuning) {
  constexpr std::pair<const char*, const char*> wrong[] = {
    {"CUTTLE_SCHEDULER_THREADS", " is not a number from 0 to 256; using 0"},
    {"CUTTLE_SCHEDULER_THROUGHPUT",
     " is not a number from 1 to 1000000; using 300"},
    {"CUTTLE_DISK_THREADS", " is not a number from 1 to 64; using 4"},
    {"CUTTLE_OPERATIONS_LIMIT",
     " is not a number from 1 to 100000; using 1000"},
    {"CUTTLE_CREATIONS_LIMIT", " is not a number from 1 to 1000; using 32"},
    {"CUTTLE_API_REQUESTS_LIMIT", " is not a number from 1 to 1000; using 32"},
    {"CUTTLE_LOG_BUFFER_BYTES",
     " is not a number of bytes from 65536 to 1073741824 (Ki, Mi and Gi are "
     "allowed); using 2097152"},
    {"CUTTLE_LOG_TOTAL_BYTES",
     " is not a number of bytes from 1048576 to 68719476736 (Ki, Mi and Gi are "
     "allowed); using 16777216"},
    {"CUTTLE_RESPONSE_BYTES",
     " is not a number of bytes from 65536 to 67108864 (Ki, Mi and Gi are "
     "allowed); using 4194304"},
    {"CUTTLE_HTTP_BIND", " is not an IP address; using 0.0.0.0"},
    {"CUTTLE_HTTP_PORT", " is not a number from 0 to 65535; using 8080"},
    {"CUTTLE_DRAIN_PATIENCE_SECONDS",
     " is not a number from 0 to 3600; using 25"},
  };
  for (auto& [name, text] : wrong)
    for (auto value : {"abc", "-1", "99999999999999999999999", "1 2", "0x10"})
      EXPECT_EQ(warning(read({{name, value}}), name), quoted(value, text));
}

TEST(Environment, RefusesNumbersJustOutOfRange) {
  EXPECT_EQ(read({{"CUTTLE_DISK_THREADS", "64"}}).values.disk_threads, 64u);
  EXPECT_EQ(read({{"CUTTLE_DISK_THREADS", "65"}}).values.disk_threads, 4u);
  EXPECT_EQ(read({{"CUTTLE_DISK_THREADS", "0"}}).values.disk_threads, 4u);
  EXPECT_EQ(read({{"CUTTLE_LOG_BUFFER_BYTES", "99999999999Gi"}})
              .values.log_buffer_bytes,
            2u << 20);
}

TEST(Environment, KeepsTheTotalOfLogsAboveOneBuffer) {
  auto result = read({{"CUTTLE_LOG_BUFFER_BYTES", "512Mi"}});
  EXPECT_EQ(result.values.log_total_bytes, 512u << 20);
  EXPECT_EQ(result.warnings.size(), 1u);
}

TEST(Environment, CutsAWrongValueInItsWarning) {
  auto result = read({{"CUTTLE_DISK_THREADS", std::string(5000, 'x')}});
  EXPECT_LT(warning(result, "CUTTLE_DISK_THREADS").size(), 200u);
}

TEST(Environment, TakesTheProxyOfTheChart) {
  auto result = read({{"TentaclePollingProxyHost", "http://proxy.local:3128/x"},
                      {"TentaclePollingProxyPort", "8888"},
                      {"TentaclePollingProxyUsername", "user"},
                      {"TentaclePollingProxyPassword", "secret"}});
  EXPECT_EQ(result.values.proxy.host, "proxy.local");
  EXPECT_EQ(result.values.proxy.port, 8888);
  EXPECT_EQ(result.values.proxy.username, "user");
  EXPECT_EQ(result.values.proxy.password, "secret");
  stored_settings stored;
  stored.proxy.host = "old";
  EXPECT_EQ(effective_proxy(result.values, stored).host, "proxy.local");
  EXPECT_EQ(effective_proxy(read({}).values, stored).host, "old");
  EXPECT_EQ(read({}).values.proxy.port, 80);
  EXPECT_EQ(read({{"TentaclePollingProxyHost", "[::1]"}}).values.proxy.host,
            "::1");
}

TEST(Environment, KnowsItsOwnPodAndWhetherToCountEvents_EVT01) {
  auto usual = read({});
  EXPECT_TRUE(usual.values.capture_metrics);
  EXPECT_EQ(usual.values.own_pod, "");
  EXPECT_EQ(usual.values.own_pod_uid, "");
  auto result = read({{p("ENABLEMETRICSCAPTURE"), "False"},
                      {"HOSTNAME", "octopus-agent-tentacle-1-2"},
                      {"CUTTLE_POD_UID", "0f-1e"}});
  EXPECT_FALSE(result.values.capture_metrics);
  EXPECT_EQ(result.values.own_pod, "octopus-agent-tentacle-1-2");
  EXPECT_EQ(result.values.own_pod_uid, "0f-1e");
}

TEST(Environment, ListensOnlyWithAPort) {
  EXPECT_FALSE(read({}).values.listen_port);
  auto result = read(
    {{"CUTTLE_LISTEN_PORT", "10933"}, {"CUTTLE_LISTEN_BIND", "127.0.0.1"}});
  EXPECT_EQ(result.values.listen_port, 10933);
  EXPECT_EQ(result.values.listen_bind, "127.0.0.1");
  auto wrong
    = read({{"CUTTLE_LISTEN_PORT", "all"}, {"CUTTLE_LISTEN_BIND", "here"}});
  EXPECT_FALSE(wrong.values.listen_port);
  EXPECT_EQ(wrong.values.listen_bind, "::");
  EXPECT_EQ(wrong.warnings.size(), 2u);
}

TEST(Environment, TakesRunnersLinksOnlyWithAnAddress) {
  EXPECT_EQ(read({}).values.link_host, "");
  EXPECT_EQ(read({}).values.link_port, 8081);
  auto result
    = read({{"CUTTLE_LINK_HOST", "10.1.2.3"}, {"CUTTLE_LINK_PORT", "0"}});
  EXPECT_EQ(result.values.link_host, "10.1.2.3");
  EXPECT_EQ(result.values.link_port, 0);
  auto wrong = read({{"CUTTLE_LINK_HOST", "worker.cuttle.svc"}});
  EXPECT_EQ(wrong.values.link_host, "");
  EXPECT_EQ(wrong.warnings.size(), 1u);
}

TEST(Environment, TakesTheCalamariImageVolume_POD20) {
  auto result = read({{p("CALAMARIIMAGEVOLUMEENABLED"), "True"},
                      {p("CALAMARIIMAGEVOLUMEREPOSITORY"), "registry/x"},
                      {p("CALAMARIIMAGEVOLUMEPULLPOLICY"), "Always"}});
  EXPECT_TRUE(result.warnings.empty());
  EXPECT_TRUE(result.values.pods.calamari_image_volume);
  EXPECT_EQ(result.values.pods.calamari_repository, "registry/x");
  EXPECT_EQ(result.values.pods.calamari_pull_policy, "Always");
  auto usual = read({}).values.pods;
  EXPECT_FALSE(usual.calamari_image_volume);
  EXPECT_EQ(usual.calamari_repository, "octopusdeploy");
  EXPECT_EQ(usual.calamari_pull_policy, "IfNotPresent");
}

TEST(Environment, IsTheProcesssOwn) {
  auto env = process_environment();
  EXPECT_TRUE(env("PATH"));
  EXPECT_FALSE(env("CUTTLE_NO_SUCH_VARIABLE"));
}

} // namespace cuttle::settings
