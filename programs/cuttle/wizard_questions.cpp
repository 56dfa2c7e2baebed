#include <algorithm>

#include "infra/kubernetes/files.hpp"
#include "infra/octopus/match.hpp"
#include "infra/settings/environment_reader.hpp"
#include "programs/cuttle/register_server.hpp"
#include "programs/cuttle/register_settings.hpp"
#include "programs/cuttle/register_store.hpp"
#include "programs/cuttle/wizard.hpp"

namespace cuttle {

namespace {

using namespace std::chrono_literals;
using octopus::answer;
using octopus::mistake;
using octopus::wrong;

// Wrong answers to one question, after which the wizard gives up.
constexpr int max_attempts = 5;

answer<std::string> read_one(const std::filesystem::path& file) {
  if (file.empty())
    return std::string{};
  auto text = kubernetes::read_small_file(file, 64 * 1024);
  if (!text)
    return wrong(mistake::credentials_unreadable, text.error().text);
  return kubernetes::trimmed(*text);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> result;
  std::string_view rest = text;
  while (!rest.empty()) {
    auto comma = rest.find(',');
    if (auto part = settings::trimmed(rest.substr(0, comma)); !part.empty())
      result.emplace_back(part);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size()
                                                       : comma + 1);
  }
  return result;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string result;
  for (auto& x : texts)
    result += (result.empty() ? "" : ",") + x;
  return result;
}

class questions {
public:
  questions(const wizard_options& options, const settings::environment& env,
            wizard_terminal& terminal)
    : options_(options), env_(env), terminal_(terminal) {}

  answer<wizard_result> run() {
    plan_.chart = options_.chart;
    plan_.chart_version = options_.chart_version;
    plan_.storage_class = options_.storage_class;
    plan_.access_mode = options_.access_mode;
    plan_.credential_secret = options_.credential_secret;
    plan_.namespaced_roles = options_.namespaced_roles;
    using step = answer<void> (questions::*)();
    for (step x : {&questions::check_options, &questions::sign_in,
                   &questions::choose_space, &questions::choose_name,
                   &questions::choose_pools, &questions::choose_policy,
                   &questions::choose_comms, &questions::choose_place,
                   &questions::check_cluster, &questions::choose_credential})
      if (auto done = (this->*x)(); !done)
        return tl::unexpected(done.error());
    return wizard_result{std::move(plan_), std::move(server_)};
  }

private:
  // Takes the option, or asks until `use` is content. `flag` is named when
  // nobody is there to ask.
  template <class Use>
  answer<void> settle(const std::string& given, const char* flag,
                      const std::string& question, const std::string& otherwise,
                      Use use, bool secret = false) {
    if (!given.empty())
      return use(given);
    for (int i = 0; i < max_attempts; ++i) {
      std::string text = otherwise;
      if (terminal_.interactive()) {
        auto said = terminal_.ask(question, secret ? "" : otherwise, secret);
        if (!said)
          return wrong(mistake::option_wrong,
                       std::string{"The input ended at the question for "}
                         + flag + ".");
        text = *said;
      } else if (otherwise.empty()) {
        return wrong(mistake::option_wrong,
                     std::string{"There is no "} + flag
                       + ", and standard input is no terminal to ask. Give the "
                         "option.");
      }
      auto done = use(text);
      if (done || !terminal_.interactive())
        return done;
      terminal_.say("  " + done.error().text);
    }
    return wrong(mistake::option_wrong,
                 std::string{"Too many wrong answers for "} + flag + ".");
  }

  static answer<void> bad(std::string text) {
    return wrong(mistake::option_wrong, std::move(text));
  }

  answer<void> check_options() {
    if (!format_of(options_.format))
      return bad("--format is '" + octopus::one_line(options_.format, 40)
                 + "'; it may be bash, powershell, values, terraform, flux or "
                   "argocd.");
    for (auto* x : {&options_.chart, &options_.chart_version})
      if (x->empty() || x->starts_with('-'))
        return bad("--chart and --chart-version may not begin with a dash.");
    auto format = format_of(options_.format);
    if ((format == install_format::flux || format == install_format::argocd)
        && !in_repository(options_.chart))
      return bad(
        "Flux and Argo CD take a chart from a repository, and '"
        + octopus::one_line(options_.chart, 100)
        + "' is a folder. Publish it (helm package, helm push) and say "
          "where with --chart, such as "
          "oci://registry.example.com/charts/kubernetes-worker.");
    if (!options_.access_mode.empty() && options_.access_mode != "ReadWriteOnce"
        && options_.access_mode != "ReadWriteMany")
      return bad("--access-mode may be ReadWriteOnce or ReadWriteMany.");
    if (!options_.credential_secret.empty()
        && !is_dns_label(options_.credential_secret, 253))
      return bad("--credential-secret is no name of a secret.");
    auto ca = read_ca(env_, options_.ca_file);
    auto password = read_one(options_.proxy_password_file);
    if (!ca)
      return tl::unexpected(ca.error());
    if (!password)
      return tl::unexpected(password.error());
    if (!options_.ca_file.empty())
      plan_.ca_pem = *ca;
    ca_pem_ = *ca;
    plan_.proxy_host = options_.proxy_host;
    plan_.proxy_port = options_.proxy_port;
    plan_.proxy_username = options_.proxy_username;
    plan_.proxy_password = *password;
    return {};
  }

  // -- server and credentials
  // --------------------------------------------------

  answer<void> sign_in() {
    auto use = [&](const std::string& text) -> answer<void> {
      auto url = octopus::parse_server_url(text);
      if (!url)
        return tl::unexpected(url.error());
      url_ = *url;
      return {};
    };
    auto given = options_.server.empty() ? env_("ServerUrl").value_or("")
                                         : options_.server;
    if (auto done
        = settle(given, "--server", "Address of the Octopus Server", "", use);
        !done)
      return done;
    plan_.server_url = url_.base + "/";
    auto who = credentials();
    if (!who)
      return tl::unexpected(who.error());
    if (who->kind() != octopus::credential_kind::none)
      return open(*who);
    return settle(
      "", "--api-key-file", "API key (or bearer token); it is not shown", "",
      [&](const std::string& text) -> answer<void> {
        if (text.empty())
          return bad("Make one in your profile in the portal, 'My API keys'.");
        octopus::credentials one;
        (text.starts_with("API-") ? one.api_key : one.bearer_token) = text;
        return open(one);
      },
      true);
  }

  answer<octopus::credentials> credentials() {
    octopus::credentials result;
    result.username = options_.username;
    struct source {
      const std::filesystem::path& file;
      std::string& into;
    };
    for (auto& x : {source{options_.api_key_file, result.api_key},
                    source{options_.token_file, result.bearer_token},
                    source{options_.password_file, result.password}}) {
      auto text = read_one(x.file);
      if (!text)
        return tl::unexpected(text.error());
      x.into = *text;
    }
    if (result.kind() != octopus::credential_kind::none)
      return result;
    return read_credentials(env_);
  }

  answer<void> open(const octopus::credentials& who) {
    octopus::session_options how;
    how.server = url_;
    how.who = who;
    how.http.ca_pem = ca_pem_;
    how.http.proxy = {plan_.proxy_host, plan_.proxy_port, plan_.proxy_username,
                      plan_.proxy_password};
    how.on_wait = [&](const octopus::trouble& why, std::chrono::milliseconds) {
      terminal_.say("  waiting: " + why.text);
    };
    auto server = std::make_unique<octopus::session>(std::move(how));
    if (auto opened = server->open(); !opened)
      return opened;
    terminal_.say("Signed in at " + url_.base + " (version "
                  + octopus::one_line(server->root().version, 40) + ") as "
                  + octopus::one_line(server->user().username, 80) + ".");
    server_ = std::move(server);
    who_ = who;
    return {};
  }

  // A person takes time; the server gets its patience anew.
  octopus::session& server() {
    server_->extend(20s);
    return *server_;
  }

  // -- space, name, pools, policy
  // ----------------------------------------------

  answer<void> choose_space() {
    auto spaces = server().spaces();
    if (!spaces)
      return tl::unexpected(spaces.error());
    std::vector<std::string> names;
    std::string first;
    for (auto& x : *spaces) {
      names.push_back(x.name);
      if (x.is_default)
        first = x.name;
    }
    return settle(options_.space, "--space",
                  "Space, one of " + octopus::listed(names), first,
                  [&](const std::string& text) -> answer<void> {
                    auto space = octopus::find_space(*spaces, text);
                    if (!space)
                      return tl::unexpected(space.error());
                    plan_.space = space->name;
                    return server().enter(*space);
                  });
  }

  answer<void> choose_name() {
    return settle(
      options_.name, "--name", "Name of the worker", "",
      [&](const std::string& text) -> answer<void> {
        if (text.empty() || text.size() > 200
            || octopus::one_line(text, 200) != text)
          return bad("A name has 1 to 200 bytes without control characters.");
        auto found = server().workers_named(text);
        if (!found)
          return tl::unexpected(found.error());
        if (octopus::find_worker(*found, text) != nullptr
            && !options_.take_over)
          return wrong(mistake::name_taken,
                       "There is a worker '" + octopus::one_line(text, 80)
                         + "' already. Choose another name, or take it over "
                           "with --take-over.");
        plan_.name = text;
        return {};
      });
  }

  answer<void> choose_pools() {
    auto pools = server().pools();
    if (!pools)
      return tl::unexpected(pools.error());
    std::vector<std::string> names;
    std::string first;
    for (auto& x : *pools)
      if (x.pool_type != "DynamicWorkerPool") {
        names.push_back(x.name);
        if (x.is_default)
          first = x.name;
      }
    return settle(joined(options_.pools), "--pool",
                  "Worker pools, divided by commas, of "
                    + octopus::listed(names),
                  first, [&](const std::string& text) -> answer<void> {
                    return use_pools(*pools, split(text));
                  });
  }

  answer<void> use_pools(std::vector<octopus::named>& pools,
                         const std::vector<std::string>& wanted) {
    if (wanted.empty())
      return bad("A worker needs at least one worker pool.");
    for (auto& name : wanted) {
      auto found = octopus::find_pools(pools, {name}, plan_.space);
      if (found || found.error().what != mistake::pool_not_found)
        continue;
      auto create = options_.create_pools;
      if (!create && terminal_.interactive()) {
        auto said
          = terminal_.ask("There is no pool '" + octopus::one_line(name, 80)
                            + "'. Create it (y/n)?",
                          "n", false);
        create = said && (*said == "y" || *said == "yes");
      }
      if (!create)
        return tl::unexpected(found.error());
      auto made = server().create_pool(name);
      if (!made)
        return tl::unexpected(made.error());
      pools.push_back(*made);
      terminal_.say("Created the worker pool '" + octopus::one_line(name, 80)
                    + "'.");
    }
    auto found = octopus::find_pools(pools, wanted, plan_.space);
    if (!found)
      return tl::unexpected(found.error());
    plan_.pools.clear();
    for (auto& x : *found)
      plan_.pools.push_back(x.slug.empty() ? x.name : x.slug);
    return {};
  }

  answer<void> choose_policy() {
    auto policies = server().policies();
    if (!policies)
      return tl::unexpected(policies.error());
    auto wanted = options_.policy.empty() ? std::string{octopus::default_policy}
                                          : options_.policy;
    auto policy = octopus::find_policy(*policies, wanted, plan_.space);
    if (!policy)
      return tl::unexpected(policy.error());
    if (!options_.policy.empty())
      plan_.policy = policy->name;
    if (policy->update_behaviour == "Update")
      terminal_.say("Note: the machine policy '"
                    + octopus::one_line(policy->name, 80)
                    + "' upgrades Kubernetes workers by itself. This worker is "
                      "locked against it; manual upgrades are the better "
                      "policy for it.");
    return {};
  }

  // -- polling
  // -----------------------------------------------------------------

  answer<void> choose_comms() {
    auto proposal = polling_address_of(plan_.server_url);
    auto thumbprint = server().server_thumbprint();
    if (!thumbprint)
      return tl::unexpected(thumbprint.error());
    return settle(
      joined(options_.comms), "--comms",
      "Polling address, one for each node, divided by commas",
      proposal.value_or(""), [&](const std::string& text) -> answer<void> {
        std::vector<settings::host_and_port> places;
        auto addresses = split(text);
        for (auto& x : addresses) {
          auto parsed = settings::parse_address(x);
          if (!parsed)
            return wrong(mistake::comms_address_wrong,
                         "'" + octopus::one_line(x, 80)
                           + "' is not like https://host:10943/.");
          places.push_back(*parsed);
        }
        if (places.empty())
          return bad("A worker needs at least one polling address.");
        settings::polling_proxy proxy{plan_.proxy_host, plan_.proxy_port,
                                      plan_.proxy_username,
                                      plan_.proxy_password};
        auto good = check_polling_addresses(places, proxy, *thumbprint, 10s);
        if (!good)
          return good;
        plan_.comms = addresses;
        return {};
      });
  }

  // -- cluster
  // -----------------------------------------------------------------

  answer<void> choose_place() {
    auto label = [](std::string& into, std::size_t limit) {
      return [&into, limit](const std::string& text) -> answer<void> {
        if (!is_dns_label(text, limit))
          return bad("'" + octopus::one_line(text, 80)
                     + "' is no name of lower-case letters, digits and dashes "
                       "with at most "
                     + std::to_string(limit) + " characters.");
        into = text;
        return {};
      };
    };
    auto release = settle(options_.release, "--release", "Helm release",
                          slug_of(plan_.name), label(plan_.release, 53));
    if (!release)
      return release;
    return settle(options_.namespace_name, "--namespace", "Namespace",
                  namespace_for(plan_.release),
                  label(plan_.namespace_name, 63));
  }

  answer<void> check_cluster() {
    if (options_.kubeconfig.empty())
      return {};
    auto access = find_cluster(options_.kubeconfig, plan_.namespace_name, {});
    if (!access)
      return tl::unexpected(access.error());
    register_store store{std::move(*access), 8s};
    auto config = store.config_map("tentacle-config");
    if (config && !options_.take_over)
      return wrong(mistake::option_wrong,
                   "There is a worker in the namespace '" + plan_.namespace_name
                     + "' already (config map tentacle-config). Choose another "
                       "--namespace and --release, or upgrade it with "
                       "--take-over.");
    if (!config && config.error().what == mistake::cluster_unreachable)
      return tl::unexpected(config.error());
    if (!config && config.error().what == mistake::cluster_forbidden)
      terminal_.say("Note: the namespace can not be looked into: "
                    + config.error().text);
    return {};
  }

  // -- what the worker signs in with
  // -------------------------------------------

  answer<void> choose_credential() {
    auto bearer = who_.kind() == octopus::credential_kind::bearer;
    auto keep = options_.keep_api_key && !who_.api_key.empty();
    plan_.way = keep ? credential_way::api_key : credential_way::bearer_token;
    if (!plan_.credential_secret.empty())
      return {};
    if (keep || bearer) {
      plan_.credential = keep ? who_.api_key : who_.bearer_token;
      return {};
    }
    auto token = server().mint_token();
    if (token) {
      plan_.credential = *token;
      return {};
    }
    return wrong(token.error().what,
                 token.error().text
                   + " The server gave no token for an hour; use "
                     "--keep-api-key to hand out the API key itself.");
  }

  const wizard_options& options_;
  const settings::environment& env_;
  wizard_terminal& terminal_;
  install_plan plan_;
  octopus::server_url url_;
  octopus::credentials who_;
  std::string ca_pem_;
  std::unique_ptr<octopus::session> server_;
};

} // namespace

answer<wizard_result> ask_wizard(const wizard_options& options,
                                 const settings::environment& env,
                                 wizard_terminal& terminal) {
  return questions{options, env, terminal}.run();
}

} // namespace cuttle
