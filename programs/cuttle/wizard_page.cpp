#include "programs/cuttle/wizard_page.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "infra/octopus/match.hpp"
#include "programs/cuttle/child_program.hpp"
#include "programs/cuttle/wizard_page_body.hpp"

namespace cuttle {

namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using octopus::answer;
using octopus::mistake;
using octopus::wrong;

constexpr std::size_t max_notes = 20;
constexpr auto tool_limit = 3s;

// What stands for a secret in a command that is shown.
const std::string mask = "********";

std::string dumped(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
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
