// Where the worker is to be installed, and with which credential.

#include "infra/octopus/match.hpp"
#include "programs/cuttle/register_store.hpp"
#include "programs/cuttle/wizard_checks.hpp"

namespace cuttle {

namespace {

using namespace std::chrono_literals;
using octopus::answer;
using octopus::mistake;
using octopus::wrong;

// A minted token is valid for an hour; one that is handed out late would end
// before the worker has used it.
constexpr auto token_is_fresh = 10min;

tl::unexpected<octopus::trouble> bad(std::string text) {
  return wrong(mistake::option_wrong, std::move(text));
}

answer<void> use_label(std::string& into, const std::string& text,
                       std::size_t limit) {
  into.clear();
  if (!is_dns_label(text, limit))
    return bad("'" + octopus::one_line(text, 80)
               + "' is no name of lower-case letters, digits and dashes with "
                 "at most "
               + std::to_string(limit) + " characters.");
  into = text;
  return {};
}

} // namespace

// -- the cluster --------------------------------------------------------------

answer<void> wizard_checks::use_release(const std::string& text) {
  return use_label(plan_.release, text, 53);
}

answer<void> wizard_checks::use_namespace(const std::string& text) {
  return use_label(plan_.namespace_name, text, 63);
}

answer<void> wizard_checks::use_storage_class(const std::string& text) {
  plan_.storage_class.clear();
  if (!text.empty() && !is_dns_name(text))
    return bad("'" + octopus::one_line(text, 80)
               + "' is no name of a storage class: lower-case letters, digits, "
                 "dashes and dots.");
  plan_.storage_class = text;
  return {};
}

answer<void> wizard_checks::use_access_mode(const std::string& text) {
  plan_.access_mode.clear();
  if (!text.empty() && text != "ReadWriteOnce" && text != "ReadWriteMany")
    return bad("--access-mode may be ReadWriteOnce or ReadWriteMany.");
  plan_.access_mode = text;
  return {};
}

answer<void> wizard_checks::use_credential_secret(const std::string& text) {
  plan_.credential_secret.clear();
  if (!text.empty() && !is_dns_name(text))
    return bad("--credential-secret is no name of a secret: lower-case "
               "letters, digits, dashes and dots.");
  plan_.credential_secret = text;
  return {};
}

answer<void> wizard_checks::use_chart(const std::string& chart,
                                      const std::string& version) {
  for (auto* x : {&chart, &version})
    if (x->empty() || x->starts_with('-') || x->size() > 500
        || octopus::one_line(*x, 500) != *x)
      return bad("--chart and --chart-version may not begin with a dash, and "
                 "are one line.");
  plan_.chart = chart;
  plan_.chart_version = version;
  return {};
}

void wizard_checks::use_namespaced_roles(bool yes) {
  plan_.namespaced_roles = yes;
}

answer<void> wizard_checks::check_cluster(bool take_over) {
  if (options_.kubeconfig.empty())
    return {};
  auto access = find_cluster(options_.kubeconfig, plan_.namespace_name, {});
  if (!access)
    return tl::unexpected(access.error());
  register_store store{std::move(*access), 8s};
  auto config = store.config_map("tentacle-config");
  if (config && !take_over)
    return bad("There is a worker in the namespace '" + plan_.namespace_name
               + "' already (config map tentacle-config). Choose another "
                 "--namespace and --release, or upgrade it with --take-over.");
  if (!config && config.error().what == mistake::cluster_unreachable)
    return tl::unexpected(config.error());
  if (!config && config.error().what == mistake::cluster_forbidden)
    note_("Note: the namespace can not be looked into: " + config.error().text);
  return {};
}

// -- the result ---------------------------------------------------------------

void wizard_checks::keep_api_key(bool yes) {
  keep_api_key_ = yes;
}

bool wizard_checks::keeps_key() const {
  return keep_api_key_ && !who_.api_key.empty();
}

install_plan wizard_checks::masked_plan(const std::string& mask) const {
  auto result = plan_;
  result.way
    = keeps_key() ? credential_way::api_key : credential_way::bearer_token;
  if (result.credential_secret.empty())
    result.credential = mask;
  if (!result.proxy_password.empty())
    result.proxy_password = mask;
  return result;
}

answer<void> wizard_checks::use_credential() {
  auto bearer = who_.kind() == octopus::credential_kind::bearer;
  auto keep = keeps_key();
  plan_.way = keep ? credential_way::api_key : credential_way::bearer_token;
  auto now = std::chrono::steady_clock::now();
  auto fresh = minted_ && now - *minted_ < token_is_fresh;
  if (!plan_.credential_secret.empty() || keep || bearer) {
    plan_.credential = !plan_.credential_secret.empty() ? ""
                       : keep                           ? who_.api_key
                                                        : who_.bearer_token;
    minted_.reset();
    return {};
  }
  if (fresh)
    return {};
  plan_.credential.clear();
  auto token = server().mint_token();
  if (!token)
    return wrong(token.error().what,
                 token.error().text
                   + " The server gave no token for an hour; use "
                     "--keep-api-key to hand out the API key itself.");
  plan_.credential = *token;
  minted_ = now;
  return {};
}

answer<install_format> wizard_checks::check_format(std::string_view format,
                                                   std::string_view chart) {
  auto known = format_of(format);
  if (!known)
    return bad("--format is '" + octopus::one_line(format, 40)
               + "'; it may be bash, powershell, values, terraform, flux or "
                 "argocd.");
  if ((*known == install_format::flux || *known == install_format::argocd)
      && !in_repository(chart))
    return bad("Flux and Argo CD take a chart from a repository, and '"
               + octopus::one_line(chart, 100)
               + "' is a folder. Publish it (helm package, helm push) and say "
                 "where with --chart, such as "
                 "oci://registry.example.com/charts/kubernetes-worker.");
  return *known;
}

wizard_result wizard_checks::take() && {
  return wizard_result{std::move(plan_), std::move(server_)};
}

} // namespace cuttle
