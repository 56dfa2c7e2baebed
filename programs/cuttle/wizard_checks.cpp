#include "programs/cuttle/wizard_checks.hpp"

#include "infra/kubernetes/files.hpp"
#include "infra/octopus/match.hpp"
#include "programs/cuttle/register_server.hpp"
#include "programs/cuttle/register_settings.hpp"

namespace cuttle {

namespace {

using namespace std::chrono_literals;
using octopus::answer;
using octopus::mistake;
using octopus::wrong;

constexpr std::size_t max_addresses = 16;
constexpr std::size_t max_pools = 50;

answer<std::string> read_one(const std::filesystem::path& file) {
  if (file.empty())
    return std::string{};
  auto text = kubernetes::read_small_file(file, 64 * 1024);
  if (!text)
    return wrong(mistake::credentials_unreadable, text.error().text);
  return kubernetes::trimmed(*text);
}

tl::unexpected<octopus::trouble> bad(std::string text) {
  return wrong(mistake::option_wrong, std::move(text));
}

} // namespace

wizard_checks::wizard_checks(wizard_options options, settings::environment env,
                             wizard_note note)
  : options_(std::move(options)), env_(std::move(env)), note_(std::move(note)) {
}

answer<void> wizard_checks::use_options() {
  plan_.namespaced_roles = options_.namespaced_roles;
  keep_api_key_ = options_.keep_api_key;
  if (auto done = use_chart(options_.chart, options_.chart_version); !done)
    return done;
  if (auto done = use_access_mode(options_.access_mode); !done)
    return done;
  if (auto done = use_storage_class(options_.storage_class); !done)
    return done;
  if (auto done = use_credential_secret(options_.credential_secret); !done)
    return done;
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

// -- the server ---------------------------------------------------------------

answer<void> wizard_checks::use_server(const std::string& text) {
  auto url = octopus::parse_server_url(text);
  if (!url)
    return tl::unexpected(url.error());
  url_ = *url;
  return {};
}

answer<octopus::credentials> wizard_checks::given_credentials() const {
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

answer<octopus::credentials>
wizard_checks::credentials_of_secret(const std::string& text) {
  if (text.empty())
    return bad("Make one in your profile in the portal, 'My API keys'.");
  octopus::credentials one;
  (text.starts_with("API-") ? one.api_key : one.bearer_token) = text;
  return one;
}

answer<void> wizard_checks::sign_in(const octopus::credentials& who) {
  server_.reset();
  minted_.reset();
  plan_.server_url = url_.base + "/";
  plan_.credential.clear();
  plan_.space.clear();
  plan_.name.clear();
  plan_.pools.clear();
  plan_.policy.clear();
  plan_.comms.clear();
  octopus::session_options how;
  how.server = url_;
  how.who = who;
  how.http.ca_pem = ca_pem_;
  how.http.proxy = {plan_.proxy_host, plan_.proxy_port, plan_.proxy_username,
                    plan_.proxy_password};
  // (a copy: the conversation goes on after this object)
  how.on_wait
    = [note = note_](const octopus::trouble& why, std::chrono::milliseconds) {
        note("  waiting: " + why.text);
      };
  auto server = std::make_unique<octopus::session>(std::move(how));
  if (auto opened = server->open(); !opened)
    return opened;
  note_("Signed in at " + url_.base + " (version "
        + octopus::one_line(server->root().version, 40) + ") as "
        + octopus::one_line(server->user().username, 80) + ".");
  server_ = std::move(server);
  who_ = who;
  return {};
}

bool wizard_checks::signed_in() const {
  return server_ != nullptr;
}

// A person takes time; the server gets its patience anew.
octopus::session& wizard_checks::server() {
  server_->extend(20s);
  return *server_;
}

// -- what the worker is to be -------------------------------------------------

answer<std::vector<octopus::space_document>> wizard_checks::spaces() {
  return server().spaces();
}

answer<void>
wizard_checks::use_space(const std::vector<octopus::space_document>& all,
                         const std::string& text) {
  plan_.space.clear();
  plan_.name.clear();
  plan_.pools.clear();
  plan_.policy.clear();
  auto space = octopus::find_space(all, text);
  if (!space)
    return tl::unexpected(space.error());
  auto entered = server().enter(*space);
  if (entered)
    plan_.space = space->name;
  return entered;
}

answer<void> wizard_checks::use_name(const std::string& text, bool take_over) {
  plan_.name.clear();
  if (text.empty() || text.size() > 200 || octopus::one_line(text, 200) != text)
    return bad("A name has 1 to 200 bytes without control characters.");
  auto found = server().workers_named(text);
  if (!found)
    return tl::unexpected(found.error());
  if (octopus::find_worker(*found, text) != nullptr && !take_over)
    return wrong(mistake::name_taken,
                 "There is a worker '" + octopus::one_line(text, 80)
                   + "' already. Choose another name, or take it over with "
                     "--take-over.");
  plan_.name = text;
  return {};
}

answer<std::vector<octopus::named>> wizard_checks::pools() {
  return server().pools();
}

answer<octopus::named> wizard_checks::create_pool(const std::string& name) {
  if (name.empty() || name.size() > 200 || octopus::one_line(name, 200) != name)
    return bad("A pool's name has 1 to 200 bytes without control characters.");
  auto made = server().create_pool(name);
  if (made)
    note_("Created the worker pool '" + octopus::one_line(name, 80) + "'.");
  return made;
}

answer<void> wizard_checks::use_pools(
  std::vector<octopus::named>& all, const std::vector<std::string>& wanted,
  const std::function<bool(const std::string&)>& create) {
  plan_.pools.clear();
  if (wanted.empty())
    return bad("A worker needs at least one worker pool.");
  if (wanted.size() > max_pools)
    return bad("A worker takes at most " + std::to_string(max_pools)
               + " worker pools here.");
  for (auto& name : wanted) {
    auto found = octopus::find_pools(all, {name}, plan_.space);
    if (found || found.error().what != mistake::pool_not_found)
      continue;
    if (!create(name))
      return tl::unexpected(found.error());
    auto made = create_pool(name);
    if (!made)
      return tl::unexpected(made.error());
    all.push_back(*made);
  }
  auto found = octopus::find_pools(all, wanted, plan_.space);
  if (!found)
    return tl::unexpected(found.error());
  for (auto& x : *found)
    plan_.pools.push_back(x.slug.empty() ? x.name : x.slug);
  return {};
}

answer<std::vector<octopus::named>> wizard_checks::policies() {
  return server().policies();
}

answer<void> wizard_checks::use_policy(const std::vector<octopus::named>& all,
                                       const std::string& text) {
  plan_.policy.clear();
  auto wanted = text.empty() ? std::string{octopus::default_policy} : text;
  auto policy = octopus::find_policy(all, wanted, plan_.space);
  if (!policy)
    return tl::unexpected(policy.error());
  if (!text.empty())
    plan_.policy = policy->name;
  if (policy->update_behaviour == "Update")
    note_("Note: the machine policy '" + octopus::one_line(policy->name, 80)
          + "' upgrades Kubernetes workers by itself. This worker is locked "
            "against it; manual upgrades are the better policy for it.");
  return {};
}

// -- where it polls -----------------------------------------------------------

answer<std::vector<settings::host_and_port>>
wizard_checks::read_addresses(const std::vector<std::string>& addresses) {
  std::vector<settings::host_and_port> places;
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
  if (places.size() > max_addresses)
    return bad("At most " + std::to_string(max_addresses)
               + " polling addresses are taken here.");
  return places;
}

answer<void>
wizard_checks::use_comms(const std::vector<std::string>& addresses) {
  plan_.comms.clear();
  auto places = read_addresses(addresses);
  if (!places)
    return tl::unexpected(places.error());
  auto thumbprint = server().server_thumbprint();
  if (!thumbprint)
    return tl::unexpected(thumbprint.error());
  settings::polling_proxy proxy{plan_.proxy_host, plan_.proxy_port,
                                plan_.proxy_username, plan_.proxy_password};
  auto good = check_polling_addresses(*places, proxy, *thumbprint, 10s);
  if (good)
    plan_.comms = addresses;
  return good;
}

} // namespace cuttle
