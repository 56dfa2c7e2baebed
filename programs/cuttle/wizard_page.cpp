#include "programs/cuttle/wizard_page.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "infra/octopus/match.hpp"
#include "programs/cuttle/child_program.hpp"

namespace cuttle {

namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using octopus::answer;
using octopus::mistake;
using octopus::wrong;

constexpr std::size_t max_notes = 20;
constexpr std::size_t max_items = 100;
constexpr auto tool_limit = 3s;

// What stands for a secret in a command that is shown.
const std::string mask = "********";

// -- what a body holds: wrong types count as absent ---------------------------

std::string text_of(const json& body, const char* key) {
  auto found = body.find(key);
  return found != body.end() && found->is_string() ? found->get<std::string>()
                                                   : std::string{};
}

bool flag_of(const json& body, const char* key) {
  auto found = body.find(key);
  return found != body.end() && found->is_boolean() && found->get<bool>();
}

std::vector<std::string> texts_of(const json& body, const char* key) {
  std::vector<std::string> result;
  auto found = body.find(key);
  if (found == body.end() || !found->is_array())
    return result;
  for (auto& x : *found)
    if (x.is_string() && result.size() < max_items)
      result.push_back(x.get<std::string>());
  return result;
}

std::string dumped(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Beside which of the two fields a failed sign-in is told.
const char* field_of_sign_in(mistake what) {
  switch (what) {
  case mistake::credentials_missing:
  case mistake::credentials_unreadable:
  case mistake::credentials_refused:
  case mistake::token_expired:
  case mistake::login_refused:
  case mistake::option_wrong:
    return "credential";
  default:
    return "server";
  }
}

} // namespace

wizard_page::wizard_page(wizard_options options,
                         const settings::environment& env)
  : options_(std::move(options)), env_(env),
    notes_(std::make_shared<std::vector<std::string>>()),
    checks_(options_, env, [notes = notes_](const std::string& line) {
      if (notes->size() < max_notes)
        notes->push_back(line);
    }) {}

web::site_reply wizard_page::call(const std::string& name,
                                  const std::string& text) {
  struct entry {
    const char* name;
    result (wizard_page::*handle)(const json&);
    bool signed_in;
  };
  static constexpr std::array<entry, 16> calls{{
    {"open", &wizard_page::open, false},
    {"server", &wizard_page::server, false},
    {"sign-in", &wizard_page::sign_in, false},
    {"space", &wizard_page::space, true},
    {"name", &wizard_page::name, true},
    {"pools", &wizard_page::pools, true},
    {"create-pool", &wizard_page::create_pool, true},
    {"policy", &wizard_page::policy, true},
    {"comms", &wizard_page::comms, true},
    {"place", &wizard_page::place, false},
    {"storage", &wizard_page::storage, false},
    {"credential", &wizard_page::credential, false},
    {"chart", &wizard_page::chart, false},
    {"command", &wizard_page::command, false},
    {"run", &wizard_page::run, true},
    {"close", &wizard_page::close, false},
  }};
  auto protocol_error = [](int status, const char* why) {
    return web::site_reply{status, dumped(json{{"error", why}})};
  };
  auto found = std::find_if(calls.begin(), calls.end(),
                            [&](auto& x) { return name == x.name; });
  if (found == calls.end())
    return protocol_error(404, "There is no such call.");
  auto body = json::parse(text, nullptr, false);
  if (!body.is_object())
    return protocol_error(400, "The body is no JSON object.");
  notes_->clear();
  field_ = name;
  auto reply = found->signed_in && !checks_.signed_in()
                 ? result{wrong(mistake::credentials_missing,
                                "Sign in at the server first.")}
                 : (this->*found->handle)(body);
  json out;
  if (reply) {
    out = std::move(*reply);
    out["ok"] = true;
  } else {
    out = {{"ok", false},
           {"field", field_},
           {"mistake", name_of(reply.error().what)},
           {"text", reply.error().text}};
  }
  out["notes"] = *notes_;
  return {200, dumped(out)};
}

// -- the beginning ------------------------------------------------------------

void wizard_page::look_for_tools() {
  std::string context;
  child_program kubectl;
  kubectl.command = {"kubectl", "config", "current-context"};
  if (!options_.kubeconfig.empty())
    kubectl.command.insert(kubectl.command.begin() + 1,
                           {"--kubeconfig", options_.kubeconfig});
  kubectl.until = std::chrono::steady_clock::now() + tool_limit;
  kubectl.line = [&](const std::string& line) {
    if (context.empty())
      context = octopus::one_line(line, 200);
  };
  auto there = has_program("kubectl");
  if (!there || run_program(kubectl) != child_end::good)
    context.clear();
  tools_ = {{"helm", has_program(options_.helm)},
            {"kubectl", there},
            {"context", context}};
}

// What the command line says already; never a credential.
json wizard_page::given() const {
  auto server = options_.server.empty() ? env_("ServerUrl").value_or("")
                                        : options_.server;
  auto who = checks_.given_credentials();
  return {{"server", server},
          {"credential", who && who->kind() != octopus::credential_kind::none},
          {"space", options_.space},
          {"name", options_.name},
          {"pools", options_.pools},
          {"policy", options_.policy},
          {"comms", options_.comms},
          {"takeOver", options_.take_over},
          {"release", options_.release},
          {"namespace", options_.namespace_name},
          {"storageClass", options_.storage_class},
          {"accessMode", options_.access_mode},
          {"namespacedRoles", options_.namespaced_roles},
          {"credentialSecret", options_.credential_secret},
          {"keepApiKey", options_.keep_api_key},
          {"chart", options_.chart},
          {"chartVersion", options_.chart_version},
          {"format", options_.format},
          {"proxy", options_.proxy_host},
          {"authority", options_.ca_file.string()}};
}

wizard_page::result wizard_page::open(const json&) {
  if (auto done = checks_.use_options(); !done)
    return tl::unexpected(done.error());
  look_for_tools();
  json out{{"version", CUTTLE_VERSION}, {"given", given()}, {"tools", tools_}};
  out["account"] = checks_.signed_in() ? account() : json{};
  return out;
}

json wizard_page::account() const {
  auto& plan = checks_.plan();
  json spaces = json::array();
  for (auto& x : spaces_)
    spaces.push_back({{"name", x.name}, {"default", x.is_default}});
  return {
    {"server", plan.server_url},
    {"spaces", spaces},
    {"comms", polling_address_of(plan.server_url).value_or("")},
    {"user", octopus::one_line(checks_.session().user().username, 80)},
    {"serverVersion", octopus::one_line(checks_.session().root().version, 40)},
    {"hasKey", checks_.has_key()}};
}

wizard_page::result wizard_page::server(const json& body) {
  auto url = octopus::parse_server_url(text_of(body, "server"));
  if (!url)
    return tl::unexpected(url.error());
  return json{{"server", url->base + "/"}};
}

wizard_page::result wizard_page::sign_in(const json& body) {
  field_ = "server";
  if (auto done = checks_.use_server(text_of(body, "server")); !done)
    return tl::unexpected(done.error());
  field_ = "credential";
  answer<octopus::credentials> who;
  auto kind = text_of(body, "kind");
  if (kind == "given") {
    who = checks_.given_credentials();
  } else if (kind == "password") {
    who->username = text_of(body, "username");
    who->password = text_of(body, "secret");
    if (who->username.empty() || who->password.empty())
      return wrong(mistake::credentials_missing,
                   "A user has a name and a password.");
  } else {
    who = wizard_checks::credentials_of_secret(text_of(body, "secret"));
  }
  if (!who)
    return tl::unexpected(who.error());
  if (auto done = checks_.sign_in(*who); !done) {
    field_ = field_of_sign_in(done.error().what);
    return tl::unexpected(done.error());
  }
  auto spaces = checks_.spaces();
  if (!spaces)
    return tl::unexpected(spaces.error());
  spaces_ = std::move(*spaces);
  return account();
}

// -- the worker ---------------------------------------------------------------

json wizard_page::listed_pools() const {
  json result = json::array();
  for (auto& x : pools_)
    if (x.pool_type != "DynamicWorkerPool")
      result.push_back({{"name", x.name}, {"default", x.is_default}});
  return result;
}

wizard_page::result wizard_page::space(const json& body) {
  if (auto done = checks_.use_space(spaces_, text_of(body, "space")); !done)
    return tl::unexpected(done.error());
  auto pools = checks_.pools();
  if (!pools)
    return tl::unexpected(pools.error());
  auto policies = checks_.policies();
  if (!policies)
    return tl::unexpected(policies.error());
  pools_ = std::move(*pools);
  policies_ = std::move(*policies);
  json names = json::array();
  for (auto& x : policies_)
    names.push_back({{"name", x.name}, {"default", x.is_default}});
  return json{{"space", checks_.plan().space},
              {"pools", listed_pools()},
              {"policies", names}};
}

wizard_page::result wizard_page::name(const json& body) {
  auto text = text_of(body, "name");
  if (auto done = checks_.use_name(text, flag_of(body, "takeOver")); !done)
    return tl::unexpected(done.error());
  auto release = slug_of(text);
  return json{{"release", release}, {"namespace", namespace_for(release)}};
}

wizard_page::result wizard_page::pools(const json& body) {
  auto never = [](const std::string&) { return false; };
  auto done = checks_.use_pools(pools_, texts_of(body, "pools"), never);
  if (!done)
    return tl::unexpected(done.error());
  return json::object();
}

wizard_page::result wizard_page::create_pool(const json& body) {
  auto name = text_of(body, "name");
  auto known = octopus::find_pools(pools_, {name}, checks_.plan().space);
  if (known)
    return wrong(mistake::option_wrong,
                 "There is a pool of that name already.");
  auto made = checks_.create_pool(name);
  if (!made)
    return tl::unexpected(made.error());
  pools_.push_back(*made);
  return json{{"pools", listed_pools()}, {"created", made->name}};
}

wizard_page::result wizard_page::policy(const json& body) {
  if (auto done = checks_.use_policy(policies_, text_of(body, "policy")); !done)
    return tl::unexpected(done.error());
  return json::object();
}

wizard_page::result wizard_page::comms(const json& body) {
  auto addresses = texts_of(body, "comms");
  auto good = wizard_checks::read_addresses(addresses);
  if (!good)
    return tl::unexpected(good.error());
  // Half an address is asked nothing.
  if (!flag_of(body, "ask"))
    return json{{"asked", false}};
  if (auto done = checks_.use_comms(addresses); !done)
    return tl::unexpected(done.error());
  return json{{"asked", true}};
}

// -- the cluster --------------------------------------------------------------

wizard_page::result wizard_page::place(const json& body) {
  field_ = "release";
  auto release = checks_.use_release(text_of(body, "release"));
  if (!release)
    return tl::unexpected(release.error());
  field_ = "namespace";
  auto place = checks_.use_namespace(text_of(body, "namespace"));
  if (!place)
    return tl::unexpected(place.error());
  if (flag_of(body, "ask"))
    if (auto free = checks_.check_cluster(flag_of(body, "takeOver")); !free)
      return tl::unexpected(free.error());
  return json::object();
}

wizard_page::result wizard_page::storage(const json& body) {
  field_ = "storageClass";
  auto done = checks_.use_storage_class(text_of(body, "storageClass"));
  if (done) {
    field_ = "accessMode";
    done = checks_.use_access_mode(text_of(body, "accessMode"));
  }
  if (!done)
    return tl::unexpected(done.error());
  checks_.use_namespaced_roles(flag_of(body, "namespacedRoles"));
  return json::object();
}

wizard_page::result wizard_page::credential(const json& body) {
  field_ = "credentialSecret";
  checks_.keep_api_key(flag_of(body, "keepApiKey"));
  auto done = checks_.use_credential_secret(text_of(body, "credentialSecret"));
  if (!done)
    return tl::unexpected(done.error());
  return json::object();
}

wizard_page::result wizard_page::chart(const json& body) {
  auto done
    = checks_.use_chart(text_of(body, "chart"), text_of(body, "chartVersion"));
  if (!done)
    return tl::unexpected(done.error());
  return json::object();
}

// -- the result ---------------------------------------------------------------

answer<void> wizard_page::complete() {
  auto& plan = checks_.plan();
  auto missing = [&](const char* field, const char* text) -> answer<void> {
    field_ = field;
    return wrong(mistake::option_wrong, text);
  };
  if (!checks_.signed_in())
    return missing("server", "Sign in at the server first.");
  if (plan.space.empty())
    return missing("space", "Choose a space.");
  if (plan.name.empty())
    return missing("name", "The worker needs a name.");
  if (plan.pools.empty())
    return missing("pools", "Choose at least one worker pool.");
  if (plan.comms.empty())
    return missing("comms", "The worker needs a polling address that answers.");
  if (plan.release.empty())
    return missing("release", "The Helm release needs a name.");
  if (plan.namespace_name.empty())
    return missing("namespace", "The namespace needs a name.");
  return {};
}

wizard_page::result wizard_page::command(const json& body) {
  auto name = text_of(body, "format");
  auto format = wizard_checks::check_format(name, checks_.plan().chart);
  field_ = "chart";
  if (!format)
    return tl::unexpected(format.error());
  if (auto done = complete(); !done)
    return tl::unexpected(done.error());
  field_ = "credential";
  auto secrets = flag_of(body, "secrets");
  if (secrets)
    if (auto done = checks_.use_credential(); !done)
      return tl::unexpected(done.error());
  // As it will be, with nothing in it that must be kept.
  auto plan = secrets ? checks_.plan() : checks_.masked_plan(mask);
  return json{{"text", render(plan, *format)}};
}

wizard_page::result wizard_page::run(const json& body) {
  if (auto done = complete(); !done)
    return tl::unexpected(done.error());
  look_for_tools();
  field_ = "run";
  for (auto* tool : {"helm", "kubectl"})
    if (!tools_[tool].get<bool>())
      return wrong(mistake::option_wrong,
                   std::string{"There is no "} + tool
                     + " on this machine. Install it, or copy the command.");
  context_ = tools_["context"].get<std::string>();
  if (context_ != text_of(body, "context"))
    return wrong(mistake::option_wrong,
                 "The cluster is another one now: kubectl's context is '"
                   + context_ + "'. Look again before you run it.");
  field_ = "credential";
  if (auto done = checks_.use_credential(); !done)
    return tl::unexpected(done.error());
  install_ = true;
  return json::object();
}

wizard_page::result wizard_page::close(const json&) {
  done_ = true;
  return json::object();
}

void wizard_page::install(wizard_progress& progress, std::stop_token stop) {
  class reporter final : public wizard_terminal {
  public:
    explicit reporter(wizard_progress& x) : progress_(x) {}
    bool interactive() const override {
      return false;
    }
    std::optional<std::string> ask(const std::string&, const std::string&,
                                   bool) override {
      return std::nullopt;
    }
    void say(const std::string& line) override {
      progress_.line(line);
    }
    void reached(install_stage stage) override {
      progress_.reached(stage);
    }

  private:
    wizard_progress& progress_;
  };
  install_ = false;
  reporter out{progress};
  auto options = options_;
  options.kube_context = context_;
  progress.end(cuttle::install(options, checks_.plan(), checks_.server(), out,
                               std::move(stop)));
}

} // namespace cuttle
