#include "programs/cuttle/register_settings.hpp"

#include <algorithm>
#include <map>

#include "infra/crypto/cipher.hpp"
#include "infra/kubernetes/files.hpp"
#include "infra/octopus/match.hpp"
#include "infra/settings/environment_reader.hpp"
#include "infra/settings/trusted_servers.hpp"

namespace cuttle {

namespace {

using octopus::answer;
using octopus::mistake;
using octopus::trouble;
using octopus::wrong;

constexpr std::size_t max_credential = 64 * 1024;
constexpr std::size_t max_name = 200;
constexpr std::size_t max_addresses = 64;

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
}

// A file of the folder of credentials, else the variable.
answer<std::string> read_secret(const settings::environment& env,
                                const char* file, const char* variable) {
  std::string text;
  std::string where = variable;
  auto folder = env("CUTTLE_AUTH_DIR").value_or("");
  std::error_code ignored;
  auto path = std::filesystem::path{folder} / file;
  if (!folder.empty() && std::filesystem::exists(path, ignored)) {
    where = path.string();
    auto content = kubernetes::read_small_file(path, max_credential);
    if (!content)
      return wrong(mistake::credentials_unreadable,
                   "The credential in " + where
                     + " can not be read: " + content.error().text
                     + " Check the secret's mount and its mode.");
    text = *content;
  }
  if (text.empty())
    text = env(variable).value_or("");
  auto result = std::string{settings::trimmed(text)};
  if (has_control(result))
    return wrong(mistake::credentials_unreadable,
                 "The credential in " + where
                   + " has line breaks or control characters in it. Store it "
                     "again as one line.");
  return result;
}

// Reads all of it, and notes what is wrong.
class input_reader {
public:
  input_reader(const settings::environment& env, const register_overrides& more)
    : env_(env), in_(env), more_(more) {}

  register_input read() {
    read_consent();
    read_names();
    read_server();
    read_pools();
    read_identity();
    read_rest();
    return std::move(out_);
  }

private:
  register_settings& to() {
    return out_.values;
  }

  void note(trouble x) {
    out_.wrong.push_back(std::move(x));
  }

  template <class T>
  void take(answer<T> from, T& into) {
    if (from)
      into = std::move(*from);
    else
      note(from.error());
  }

  void read_consent() {
    if (settings::trimmed(env_("ACCEPT_EULA").value_or("")) != "Y")
      note({mistake::eula_not_accepted,
            "The licence agreement of Octopus Deploy is not accepted. Read "
            "it, then set agent.acceptEula (ACCEPT_EULA) to Y."});
    auto worker = in_.boolean("WorkerEnabled", false);
    auto target = in_.boolean("DeploymentTargetEnabled", false);
    if (target)
      note({mistake::mode_wrong,
            "agent.deploymentTarget.enabled is true, and this is a worker, "
            "which can not be a deployment target. Set it to false, and "
            "agent.worker.enabled to true."});
    else if (!worker)
      note({mistake::mode_wrong,
            "Neither agent.worker.enabled nor agent.deploymentTarget.enabled "
            "is true. Set agent.worker.enabled (WorkerEnabled) to true."});
  }

  void read_names() {
    auto prefix = std::string{"OCTOPUS__K8STENTACLE__"};
    auto& x = to();
    x.namespace_name = in_.text_or(prefix + "NAMESPACE", "");
    x.config_map
      = in_.text_or(prefix + "TENTACLECONFIGMAPNAME", "tentacle-config");
    x.secret
      = in_.text_or(prefix + "TENTACLEENCRYPTIONSECRETNAME", "tentacle-secret");
    x.chart_version = in_.text_or(prefix + "HELMCHARTVERSION", "");
    x.home = in_.text_or("TentacleHome", "/octopus");
    x.applications
      = in_.text_or("TentacleApplications", x.home + "/Applications");
    x.level = settings::read_environment(env_).values.level;
    x.name = settings::trimmed(env_("AgentName").value_or(""));
    if (x.name.size() > max_name || has_control(x.name))
      note({mistake::name_wrong,
            "The name of the worker (agent.name) has more than "
              + std::to_string(max_name)
              + " bytes or control characters. Choose a shorter, plain one."});
  }

  void read_server() {
    auto& x = to();
    take(octopus::parse_server_url(env_("ServerUrl").value_or("")), x.server);
    take(read_credentials(env_), x.who);
    if (out_.wrong.empty() && x.who.kind() == octopus::credential_kind::none)
      note({mistake::credentials_missing,
            "There are no credentials for the Octopus Server. Set "
            "agent.bearerToken, agent.serverApiKey, or agent.username and "
            "agent.password (or the name of a secret with them)."});
    x.space = in_.text_or("Space", "Default");
    x.policy = in_.text_or("MachinePolicy", "Default Machine Policy");
    take(read_ca(env_, more_.ca_file), x.ca_pem);
    read_addresses();
  }

  // [REG-08]
  void read_addresses() {
    std::vector<std::string> addresses;
    if (auto one = in_.text("ServerCommsAddress"))
      addresses.push_back(*one);
    for (auto& x : in_.list("ServerCommsAddresses"))
      addresses.push_back(x);
    auto port = in_.find_number("ServerPort", 1, 65'535, "the URL's port");
    auto& comms = to().comms;
    auto add = [&](settings::host_and_port x) {
      auto known = std::any_of(comms.begin(), comms.end(), [&](auto& y) {
        return octopus::same_name(x.host, y.host) && x.port == y.port;
      });
      if (!known)
        comms.push_back(std::move(x));
    };
    for (auto& text : addresses) {
      auto parsed = settings::parse_address(text);
      if (!parsed || comms.size() == max_addresses) {
        note({mistake::comms_address_wrong,
              "The polling address '" + octopus::one_line(text, 120)
                + "' is not like https://host:10943/ (agent."
                  "serverCommsAddresses, at most "
                + std::to_string(max_addresses) + ")."});
        continue;
      }
      if (port)
        parsed->port = static_cast<std::uint16_t>(*port);
      add(std::move(*parsed));
    }
    if (addresses.empty() && !to().server.host.empty())
      add({to().server.host,
           port ? static_cast<std::uint16_t>(*port) : std::uint16_t{10943}});
  }

  void read_pools() {
    auto& x = to();
    x.pools = in_.list("WorkerPools");
    static const std::map<std::string, octopus::existing_worker> modes{
      {"take-over", octopus::existing_worker::take_over},
      {"refuse", octopus::existing_worker::refuse},
      {"force", octopus::existing_worker::force},
      {"adopt", octopus::existing_worker::adopt}};
    auto word = more_.existing.empty()
                  ? in_.text_or("CUTTLE_REGISTER_EXISTING", "take-over")
                  : more_.existing;
    auto found = modes.find(std::string{settings::trimmed(word)});
    if (found == modes.end())
      note({mistake::option_wrong,
            "CUTTLE_REGISTER_EXISTING is '" + octopus::one_line(word, 40)
              + "'; it may be take-over, refuse, force or adopt."});
    else
      x.existing = found->second;
    if (x.pools.empty() && x.existing != octopus::existing_worker::adopt)
      note({mistake::pools_missing,
            "There is no worker pool. Set agent.worker.initial.workerPools "
            "(WorkerPools) to the worker pool name, slug or Id, several "
            "divided by commas."});
  }

  void read_identity() {
    auto& x = to();
    x.subscription
      = settings::trimmed(env_("ServerSubscriptionId").value_or(""));
    auto good
      = x.subscription.empty()
        || (x.subscription.starts_with("poll://") && x.subscription.size() > 7
            && x.subscription.size() <= max_name
            && x.subscription.find(' ') == std::string::npos
            && !has_control(x.subscription));
    if (!good)
      note({mistake::subscription_wrong,
            "agent.serverSubscriptionId is '"
              + octopus::one_line(x.subscription, 80)
              + "'; it has to be like poll://abc123/."});
    auto text = read_secret(env_, "certificate", "TentacleCertificateBase64");
    if (!text)
      return note(text.error());
    if (text->empty())
      return;
    auto bytes = crypto::from_base64(*text);
    auto identity = bytes ? crypto::identity::from_pfx(*bytes)
                          : fail(errc::invalid_request, "it is not Base64");
    if (identity)
      x.certificate = *identity;
    else
      note({mistake::certificate_wrong,
            "agent.certificate can not be used: " + identity.error().text
              + ". It has to be a PKCS#12 without password, with its key, in "
                "Base64."});
  }

  void read_rest() {
    auto& x = to();
    x.proxy.host
      = settings::proxy_host(in_.text_or("TentaclePollingProxyHost", ""));
    in_.number("TentaclePollingProxyPort", 1, 65'535, x.proxy.port);
    x.proxy.username = env_("TentaclePollingProxyUsername").value_or("");
    take(read_secret(env_, "polling-proxy-password",
                     "TentaclePollingProxyPassword"),
         x.proxy.password);
    if (auto count = in_.find_number("TentaclePollingConnectionCount", 0,
                                     0xFFFFFFFF, "the stored number"))
      x.connections = static_cast<unsigned>(*count);
  }

  const settings::environment& env_;
  settings::environment_reader in_;
  const register_overrides& more_;
  register_input out_;
};

} // namespace

register_input read_register_settings(const settings::environment& env,
                                      const register_overrides& more) {
  return input_reader{env, more}.read();
}

answer<octopus::credentials>
read_credentials(const settings::environment& env) {
  octopus::credentials result;
  struct source {
    std::string& into;
    const char* file;
    const char* variable;
  };
  const source sources[] = {
    {result.api_key, "api-key", "ServerApiKey"},
    {result.bearer_token, "bearer-token", "BearerToken"},
    {result.username, "username", "ServerUsername"},
    {result.password, "password", "ServerPassword"},
  };
  for (auto& x : sources) {
    auto text = read_secret(env, x.file, x.variable);
    if (!text)
      return tl::unexpected(text.error());
    x.into = std::move(*text);
  }
  return result;
}

answer<std::string> read_ca(const settings::environment& env,
                            const std::filesystem::path& file) {
  auto path = file;
  if (path.empty())
    path = env("CUTTLE_SERVER_CA_FILE").value_or("");
  std::error_code ignored;
  if (path.empty() && std::filesystem::exists(mounted_ca_file, ignored))
    path = mounted_ca_file;
  if (path.empty())
    return std::string{};
  auto content = kubernetes::read_small_file(path);
  if (!content)
    return wrong(mistake::ca_wrong,
                 "The authority to trust can not be read from " + path.string()
                   + ": " + content.error().text);
  if (octopus::count_certificates(*content) == 0)
    return wrong(mistake::ca_wrong,
                 "There is no PEM certificate in " + path.string()
                   + ". agent.serverCertificate has to be the Base64 of a PEM "
                     "file that begins with -----BEGIN CERTIFICATE-----.");
  return *content;
}

} // namespace cuttle
