#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstdlib>

#include "infra/settings/environment_reader.hpp"
#include "infra/settings/settings.hpp"

namespace cuttle::settings {

namespace {

// `P` of the specification.
std::string agent(std::string_view name) {
  return "OCTOPUS__K8STENTACLE__" + std::string{name};
}

constexpr std::uint64_t max_minutes = 525'600; // a year

// The names of NLog, and the spellings that people use for them.
struct level_name {
  std::string_view name;
  log_level level;
};

constexpr std::array level_names = {
  level_name{"trace", log_level::trace},
  level_name{"verbose", log_level::trace},
  level_name{"debug", log_level::debug},
  level_name{"info", log_level::info},
  level_name{"information", log_level::info},
  level_name{"warn", log_level::warn},
  level_name{"warning", log_level::warn},
  level_name{"error", log_level::error},
  level_name{"fatal", log_level::error},
  level_name{"off", log_level::off},
};

log_level read_level(environment_reader& in) {
  const std::string name = "OCTOPUS__TENTACLE__LOGLEVEL";
  auto value = in.text(name);
  if (!value)
    return log_level::info;
  std::string word{trimmed(*value)};
  for (auto& c : word)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  for (auto& entry : level_names)
    if (entry.name == word)
      return entry.level;
  in.warn(name, *value, "one of Trace, Debug, Info, Warn, Error, Fatal, Off",
          "Info");
  return log_level::info;
}

// [CFG-10]: neither trimmed nor made unique.
std::string read_comms_addresses(const environment& env) {
  auto result = env("ServerCommsAddress").value_or("");
  auto more = env("ServerCommsAddresses").value_or("");
  std::string_view rest = more;
  while (!rest.empty()) {
    auto comma = rest.find(',');
    auto part = rest.substr(0, comma);
    if (!part.empty()) {
      if (!result.empty())
        result += ',';
      result += part;
    }
    rest.remove_prefix(comma == std::string_view::npos ? rest.size()
                                                       : comma + 1);
  }
  return result;
}

std::string read_home(environment_reader& in) {
  auto result = in.text_or("TentacleHome", "/octopus");
  if (result.front() != '/')
    in.errors.push_back(
      {"TentacleHome", in_quotes(result)
                         + " is not an absolute path; it must be the mount "
                           "point of the shared volume, such as /octopus"});
  while (result.size() > 1 && result.back() == '/')
    result.pop_back();
  return result;
}

void read_pods(const environment& env, environment_reader& in,
               kubernetes::script_pod_settings& pods) {
  pods.namespace_name
    = in.required(agent("NAMESPACE"), "the Kubernetes namespace");
  pods.service_account = in.required(agent("PODSERVICEACCOUNTNAME"),
                                     "the service account of script pods");
  pods.volume_claim = in.required(agent("PODVOLUMECLAIMNAME"),
                                  "the volume claim of script pods");
  pods.release_name
    = in.required(agent("HELMRELEASENAME"), "the Helm release name");
  pods.chart_version
    = in.required(agent("HELMCHARTVERSION"), "the Helm chart version");
  pods.kubernetes_monitor_enabled
    = env(agent("KUBERNETESMONITORENABLED")).value_or("");
  pods.server_comms_addresses = read_comms_addresses(env);
  pods.home = read_home(in);
  pods.worker_version = in.text_or("TentacleVersion", CUTTLE_VERSION);
  pods.image = in.text(agent("SCRIPTPODIMAGE"));
  pods.image_tag = in.text_or(agent("SCRIPTPODIMAGETAG"), "latest");
  pods.pull_policy = in.text(agent("SCRIPTPODPULLPOLICY"));
  pods.proxies_secret = in.text(agent("PODPROXIESSECRETNAME"));
  pods.image_pull_secrets = in.list(agent("PODIMAGEPULLSECRETNAMES"));
  pods.resources_json = in.json(agent("PODRESOURCEJSON"));
  pods.affinity_json = in.json(agent("PODAFFINITYJSON"));
  pods.tolerations_json = in.json(agent("PODTOLERATIONSJSON"));
  pods.security_context_json = in.json(agent("PODSECURITYCONTEXTJSON"));
  pods.container_security_context_json
    = in.json("CUTTLE_POD_CONTAINER_SECURITY_CONTEXT");
  pods.annotations_json = in.json(agent("PODANNOTATIONSJSON"));
  pods.labels_json = in.json(agent("PODLABELSJSON"));
  pods.access_modes_json = in.json(agent("ACCESSMODESJSON"));
  pods.nfs_watchdog_image = in.text(agent("NFSWATCHDOGIMAGE"));
  pods.calamari_image_volume
    = in.boolean(agent("CALAMARIIMAGEVOLUMEENABLED"), false);
  pods.calamari_repository = in.text_or(agent("CALAMARIIMAGEVOLUMEREPOSITORY"),
                                        pods.calamari_repository);
  pods.calamari_pull_policy = in.text_or(agent("CALAMARIIMAGEVOLUMEPULLPOLICY"),
                                         pods.calamari_pull_policy);
}

void read_worker(environment_reader& in, environment_settings& out) {
  out.config_map = in.text_or(agent("TENTACLECONFIGMAPNAME"), out.config_map);
  out.encryption_secret
    = in.text_or(agent("TENTACLEENCRYPTIONSECRETNAME"), out.encryption_secret);
  out.runner_directory
    = in.text_or("BOOTSTRAPRUNNEREXECUTABLEDIRECTORY", out.runner_directory);
  out.volume_size = in.required(agent("PERSISTENTVOLUMESIZE"),
                                "the size of the shared volume");
  out.level = read_level(in);
  // Out of range is cut off later [RUN-04]; only what is no number at all is
  // ignored.
  if (auto count = in.find_number("TentaclePollingConnectionCount", 0,
                                  0xFFFFFFFF, "the stored number"))
    out.polling_connections = static_cast<unsigned>(*count);
  out.disable_pod_cleanup
    = in.boolean(agent("DISABLEAUTOPODCLEANUP"), out.disable_pod_cleanup);
  out.disable_pod_events
    = in.boolean(agent("DISABLEPODEVENTSINTASKLOG"), out.disable_pod_events);
  if (auto limit = in.find_number(agent("PENDINGPODSSTUCKAFTERMINUTES"), 1,
                                  max_minutes, "no limit"))
    out.pending_limit = std::chrono::minutes{*limit};
  auto minutes = out.orphan_age.count();
  in.number(agent("PODSCONSIDEREDORPHANEDAFTERMINUTES"), 1, max_minutes,
            minutes);
  out.orphan_age = std::chrono::minutes{minutes};
  auto seconds = out.watch_timeout.count();
  in.number(agent("PODMONITORTIMEOUT"), 5, 86'400, seconds);
  out.watch_timeout = std::chrono::seconds{seconds};
  in.time_span("TENTACLE_WORKSPACE_CLEANER_DELAY", out.workspace_sweep);
  in.time_span("TENTACLE_WORKSPACE_CLEANER_DELETE_OLDER_THAN",
               out.workspace_age);
  out.capture_metrics
    = in.boolean(agent("ENABLEMETRICSCAPTURE"), out.capture_metrics);
  out.own_pod = in.text_or("HOSTNAME", "");
  out.own_pod_uid = in.text_or("CUTTLE_POD_UID", "");
}

void read_elastic(environment_reader& in, environment_settings& out) {
  auto read = [&](const char* name) -> std::optional<unsigned> {
    auto found = in.find_number(name, 1, 512, "the number of connections");
    return found ? std::optional{static_cast<unsigned>(*found)} : std::nullopt;
  };
  auto& min = out.polling_connections_min;
  auto& max = out.polling_connections_max;
  min = read("CUTTLE_POLLING_CONNECTIONS_MIN");
  max = read("CUTTLE_POLLING_CONNECTIONS_MAX");
  if (min && max && *max < *min) {
    max = min;
    in.warn("CUTTLE_POLLING_CONNECTIONS_MAX",
            "must not be less than CUTTLE_POLLING_CONNECTIONS_MIN; using "
              + std::to_string(*max));
  }
  auto seconds = out.polling_idle.count();
  in.number("CUTTLE_POLLING_IDLE_SECONDS", 1, 86'400, seconds);
  out.polling_idle = std::chrono::seconds{seconds};
}

void read_proxy(const environment& env, environment_reader& in,
                polling_proxy& proxy) {
  proxy.host = proxy_host(in.text_or("TentaclePollingProxyHost", ""));
  in.number("TentaclePollingProxyPort", 1, 65'535, proxy.port);
  proxy.username = env("TentaclePollingProxyUsername").value_or("");
  proxy.password = env("TentaclePollingProxyPassword").value_or("");
}

bool is_address(const std::string& text) {
  in_addr four;
  in6_addr six;
  return inet_pton(AF_INET, text.c_str(), &four) == 1
         || inet_pton(AF_INET6, text.c_str(), &six) == 1;
}

void read_address(environment_reader& in, const char* variable,
                  std::string& value) {
  auto text = in.text(variable);
  if (text && is_address(*text))
    value = *text;
  else if (text)
    in.warn(variable, *text, "an IP address", value);
}

void read_tuning(environment_reader& in, environment_settings& out) {
  constexpr std::size_t kib = 1024;
  constexpr std::size_t mib = 1024 * kib;
  constexpr std::size_t gib = 1024 * mib;
  in.number("CUTTLE_SCHEDULER_THREADS", 0, 256, out.scheduler_threads);
  in.number("CUTTLE_SCHEDULER_THROUGHPUT", 1, 1'000'000,
            out.scheduler_throughput);
  in.number("CUTTLE_DISK_THREADS", 1, 64, out.disk_threads);
  in.number("CUTTLE_OPERATIONS_LIMIT", 1, 100'000, out.operations_limit);
  in.number("CUTTLE_QUEUE_LIMIT", 0, 100'000, out.queue_limit);
  in.number("CUTTLE_CREATIONS_LIMIT", 1, 1'000, out.creations_limit);
  in.number("CUTTLE_API_REQUESTS_LIMIT", 1, 1'000, out.api_requests_limit);
  in.bytes("CUTTLE_LOG_BUFFER_BYTES", 64 * kib, gib, out.log_buffer_bytes);
  in.bytes("CUTTLE_LOG_TOTAL_BYTES", mib, 64 * gib, out.log_total_bytes);
  in.bytes("CUTTLE_RESPONSE_BYTES", 64 * kib, 64 * mib, out.response_bytes);
  if (out.log_total_bytes < out.log_buffer_bytes) {
    out.log_total_bytes = out.log_buffer_bytes;
    in.warn("CUTTLE_LOG_TOTAL_BYTES",
            "must not be less than CUTTLE_LOG_BUFFER_BYTES; using "
              + std::to_string(out.log_total_bytes));
  }
  read_address(in, "CUTTLE_HTTP_BIND", out.http_bind);
  in.number("CUTTLE_HTTP_PORT", 0, 65'535, out.http_port);
  read_address(in, "CUTTLE_LISTEN_BIND", out.listen_bind);
  if (auto port
      = in.find_number("CUTTLE_LISTEN_PORT", 0, 65'535, "no listening"))
    out.listen_port = static_cast<std::uint16_t>(*port);
  read_address(in, "CUTTLE_LINK_HOST", out.link_host);
  in.number("CUTTLE_LINK_PORT", 0, 65'535, out.link_port);
  auto seconds = out.drain_patience.count() / 1000;
  in.number("CUTTLE_DRAIN_PATIENCE_SECONDS", 0, 3'600, seconds);
  out.drain_patience = std::chrono::seconds{seconds};
}

} // namespace

environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    if (auto* value = std::getenv(name.c_str()))
      return value;
    return std::nullopt;
  };
}

environment_result read_environment(const environment& env) {
  environment_result result;
  environment_reader in{env};
  read_pods(env, in, result.values.pods);
  read_worker(in, result.values);
  read_elastic(in, result.values);
  read_proxy(env, in, result.values.proxy);
  read_wire(in, result.values.wire);
  read_tuning(in, result.values);
  if (in.boolean("OCTOPUS_CONTRIBUTE_ENV_SETTINGS", false))
    result.values.contributions = read_contributions(env);
  result.errors = std::move(in.errors);
  result.warnings = std::move(in.warnings);
  return result;
}

std::string proxy_host(std::string_view text) {
  text = trimmed(text);
  if (auto scheme = text.find("://"); scheme != std::string_view::npos) {
    text.remove_prefix(scheme + 3);
    text = text.substr(0, text.find_first_of("/?#"));
    auto bracket = text.find(']');
    auto colon
      = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
    text = text.substr(0, colon);
  }
  if (text.starts_with('[') && text.ends_with(']'))
    text = text.substr(1, text.size() - 2);
  return std::string{text};
}

unsigned polling_connections(const environment_settings& env,
                             const stored_settings& stored) {
  auto count = env.polling_connections ? *env.polling_connections
                                       : stored.polling_connections.value_or(1);
  return std::min(std::max(count, 1u), 512u);
}

connection_range polling_range(const environment_settings& env,
                               const stored_settings& stored) {
  auto fixed = polling_connections(env, stored);
  auto& least = env.polling_connections_min;
  auto& most = env.polling_connections_max;
  connection_range result;
  result.min = least ? *least : std::min(fixed, most.value_or(fixed));
  result.max = most ? *most : std::max(fixed, result.min);
  return result;
}

const polling_proxy& effective_proxy(const environment_settings& env,
                                     const stored_settings& stored) {
  return env.proxy.host.empty() ? stored.proxy : env.proxy;
}

} // namespace cuttle::settings
