#include "programs/cuttle/install_plan.hpp"

#include "infra/crypto/cipher.hpp"
#include "infra/octopus/server_url.hpp"

namespace cuttle {

namespace {

// Helm's own limit for the name of a release.
constexpr std::size_t max_release = 53;
constexpr std::string_view namespace_prefix = "octopus-worker-";

bool label_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

void add_credentials(const install_plan& plan, std::vector<chart_value>& out) {
  auto bearer = plan.way == credential_way::bearer_token;
  if (!plan.credential_secret.empty())
    out.push_back(
      {bearer ? "agent.bearerTokenSecretName" : "agent.serverApiKeySecretName",
       plan.credential_secret});
  else if (!plan.credential.empty())
    out.push_back({bearer ? "agent.bearerToken" : "agent.serverApiKey",
                   plan.credential, true});
}

void add_proxy(const install_plan& plan, std::vector<chart_value>& out) {
  if (plan.proxy_host.empty())
    return;
  out.push_back({"agent.pollingProxy.host", plan.proxy_host});
  out.push_back({"agent.pollingProxy.port", std::int64_t{plan.proxy_port}});
  if (!plan.proxy_username.empty())
    out.push_back({"agent.pollingProxy.username", plan.proxy_username});
  if (!plan.proxy_password.empty())
    out.push_back({"agent.pollingProxy.password", plan.proxy_password, true});
}

} // namespace

std::vector<chart_value> values_of(const install_plan& plan) {
  std::vector<chart_value> out;
  out.push_back({"agent.acceptEula", std::string{"Y"}});
  out.push_back({"agent.name", plan.name});
  out.push_back({"agent.serverUrl", plan.server_url});
  out.push_back({"agent.serverCommsAddresses", plan.comms});
  out.push_back({"agent.space", plan.space});
  if (!plan.policy.empty())
    out.push_back({"agent.machinePolicyName", plan.policy});
  add_credentials(plan, out);
  out.push_back({"agent.worker.enabled", true});
  out.push_back({"agent.worker.initial.workerPools", plan.pools});
  add_proxy(plan, out);
  if (!plan.ca_pem.empty())
    out.push_back({"agent.serverCertificate",
                   crypto::to_base64(crypto::as_bytes(plan.ca_pem))});
  if (!plan.storage_class.empty())
    out.push_back({"persistence.storageClassName", plan.storage_class});
  if (!plan.access_mode.empty())
    out.push_back(
      {"persistence.accessModes", std::vector<std::string>{plan.access_mode}});
  if (plan.namespaced_roles)
    out.push_back({"scriptPods.serviceAccount.useNamespacedRoles", true});
  return out;
}

std::string slug_of(std::string_view name) {
  std::string result;
  for (char c : name) {
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
    if (label_character(c) && (c != '-' || !result.empty()))
      result += c;
  }
  // The namespace of the release has to fit, too.
  result.resize(
    std::min({result.size(), max_release, 63 - namespace_prefix.size()}));
  while (result.ends_with('-'))
    result.pop_back();
  return result.empty() ? "worker" : result;
}

std::string namespace_for(std::string_view release) {
  return std::string{namespace_prefix} + std::string{release};
}

bool is_dns_label(std::string_view text, std::size_t limit) {
  if (text.empty() || text.size() > limit || text.front() == '-'
      || text.back() == '-')
    return false;
  for (char c : text)
    if (!label_character(c))
      return false;
  return true;
}

bool is_dns_name(std::string_view text) {
  if (text.size() > 253)
    return false;
  for (;;) {
    auto dot = text.find('.');
    if (!is_dns_label(text.substr(0, dot)))
      return false;
    if (dot == std::string_view::npos)
      return true;
    text.remove_prefix(dot + 1);
  }
}

octopus::answer<std::string> polling_address_of(std::string_view server_url) {
  auto url = octopus::parse_server_url(server_url);
  if (!url)
    return tl::unexpected(url.error());
  if (url->host.ends_with(".octopus.app"))
    return "https://polling." + url->host + "/";
  auto host = url->host.find(':') == std::string::npos ? url->host
                                                       : "[" + url->host + "]";
  return "https://" + host + ":10943/";
}

} // namespace cuttle
