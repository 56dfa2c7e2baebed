#include "programs/cuttle/register.hpp"

#include <algorithm>
#include <fstream>
#include <unistd.h>

#include "infra/crypto/cipher.hpp"
#include "infra/settings/environment_reader.hpp"
#include "infra/settings/keys.hpp"
#include "infra/telemetry/log.hpp"
#include "programs/cuttle/register_server.hpp"
#include "programs/cuttle/register_state.hpp"
#include "programs/cuttle/register_store.hpp"

namespace cuttle {

namespace {

using octopus::answer;
using octopus::mistake;
using octopus::trouble;
using octopus::wrong;
using kind = register_result::kind;

constexpr unsigned least_connections = 5;
// Lower versions of the stock chart are migrated when a server upgrades them.
constexpr unsigned least_chart_major = 3;

std::string host_name() {
  char name[256] = {};
  gethostname(name, sizeof(name) - 1);
  return name;
}

// One run, step by step.
class registration {
public:
  registration(const register_options& options, register_input input,
               kubernetes::access access)
    : options_(options), wish_(std::move(input.values)),
      wrong_(std::move(input.wrong)),
      store_(std::move(access), options.patience) {}

  answer<register_result> run() {
    if (auto done = load(); !done)
      return tl::unexpected(done.error());
    if (!state_.registered)
      if (auto done = migrate(); !done)
        return tl::unexpected(done.error());
    work_ = find_work(wish_, state_);
    if (auto done = check_proxy_password(); !done)
      return tl::unexpected(done.error());
    auto complete = state_.registered && !state_.servers.empty();
    if (complete)
      note_kept_settings();
    if (work_.nothing())
      return register_result{};
    auto done = apply();
    if (done || !complete || options_.strict)
      return done.map([&] {
        return register_result{complete ? kind::changed : kind::registered, {}};
      });
    return register_result{kind::kept, done.error()};
  }

private:
  answer<void> load() {
    auto config = store_.config_map(wish_.config_map);
    if (!config)
      return tl::unexpected(config.error());
    config_ = std::move(config->data);
    state_ = read_register_state(config_);
    return {};
  }

  // -- take-over of a registration by the pre-install hook [REG-06] -----------

  answer<void> migrate() {
    auto from_config = wish_.config_map + "-pre";
    auto from_secret = wish_.secret + "-pre";
    if (wish_.config_map.ends_with("-pre"))
      return {};
    auto config = store_.config_map(from_config);
    if (!config)
      return absent(config.error(), from_config);
    if (!read_register_state(config->data).registered)
      return {};
    auto secret = store_.secret(from_secret);
    if (!secret)
      return absent(secret.error(), from_secret);
    // The secret first: without it the config map can not be read.
    if (auto done = store_.patch_secret(wish_.secret, all(secret->data)); !done)
      return done;
    if (auto done
        = store_.patch_config_map(wish_.config_map, all(config->data));
        !done)
      return done;
    for (auto& [resource, name] :
         {std::pair{"configmaps", from_config}, {"secrets", from_secret}})
      if (auto done = store_.remove(resource, name); !done)
        telemetry::warn("migration-left-source",
                        {{"name", name}, {"reason", done.error().text}});
    telemetry::info("registration-migrated", {{"from", from_config}});
    return load();
  }

  static answer<void> absent(const trouble& why, const std::string& name) {
    if (why.what == mistake::cluster_unreachable)
      return tl::unexpected(why);
    telemetry::debug("migration-skipped", {{"name", name}});
    return {};
  }

  static register_store::entries all(const settings::string_map& data) {
    return {data.begin(), data.end()};
  }

  // -- what counts once only
  // ---------------------------------------------------

  void note_kept_settings() {
    auto kept = [](const char* setting, const std::string& value) {
      telemetry::warn(
        "setting-kept",
        {{"setting", setting},
         {"stored", value},
         {"reason", "It counts at the first registration only. Deregister the "
                    "worker and install it anew to change it."}});
    };
    if (!wish_.subscription.empty()
        && wish_.subscription != state_.subscription)
      kept("agent.serverSubscriptionId", state_.subscription);
    if (wish_.certificate.valid() && !state_.thumbprint.empty()
        && wish_.certificate.thumbprint() != state_.thumbprint)
      kept("agent.certificate", state_.thumbprint);
  }

  // A password is stored under the machine key, so that it takes another
  // request to compare it; only users of such a proxy pay for that.
  answer<void> check_proxy_password() {
    if (work_.proxy || wish_.proxy.host.empty() || wish_.proxy.password.empty())
      return {};
    if (auto done = load_secret(); !done)
      return done;
    if (stored_.proxy.password == wish_.proxy.password)
      return {};
    work_.proxy = true;
    work_.reasons
      += work_.reasons.empty() ? "polling proxy" : ", polling proxy";
    return {};
  }

  // -- changes
  // -----------------------------------------------------------------

  answer<void> apply() {
    telemetry::info("registration-due", {{"because", work_.reasons}});
    if (!wrong_.empty())
      return tl::unexpected(wrong_.front());
    warn_about_chart();
    register_store::entries changes;
    if (work_.server) {
      if (auto done = apply_at_server(changes); !done)
        return done;
    } else if (work_.addresses) {
      apply_addresses(changes);
    }
    if (work_.proxy || !state_.registered)
      if (auto done = apply_proxy(changes); !done)
        return done;
    auto done = store_.patch_config_map(wish_.config_map, changes);
    if (done)
      telemetry::info("registration-stored", {{"config_map", wish_.config_map},
                                              {"servers", wish_.comms.size()}});
    return done;
  }

  void warn_about_chart() const {
    auto& version = wish_.chart_version;
    auto major = settings::parse_number(
      std::string_view{version}.substr(0, version.find('.')));
    if (major && *major < least_chart_major)
      telemetry::warn(
        "chart-version-low",
        {{"version", version},
         {"reason", "A server would migrate values of a chart below 3 and "
                    "upgrade it. Use a chart of version 3 or later."}});
  }

  answer<void> apply_at_server(register_store::entries& changes) {
    server_registration::options how;
    how.patience = options_.patience;
    how.comms_patience = options_.patience;
    how.on_wait = [](const trouble& why, std::chrono::milliseconds pause) {
      telemetry::warn("register-waits", {{"mistake", name_of(why.what)},
                                         {"reason", why.text},
                                         {"retry_in_ms", pause.count()}});
    };
    if (wish_.name.empty())
      wish_.name = state_.record ? state_.record->name : host_name();
    server_registration server{wish_, state_, work_, how};
    auto found = server.look_up();
    if (!found)
      return tl::unexpected(found.error());
    if (auto done = prepare_identity(); !done)
      return done;
    auto record = server.write(wish_.name, stored_.identity.thumbprint(),
                               state_.subscription);
    if (!record)
      return tl::unexpected(record.error());
    note_moved_space(*record);
    changes[key_registration] = record_json(*record);
    changes[settings::key_registered] = "true";
    changes["Tentacle.Services.NoListen"] = "true";
    changes["Octopus.Home"] = wish_.home;
    changes["Tentacle.Deployment.ApplicationDirectory"] = wish_.applications;
    // A stock worker's list stays unless the addresses differ.
    if (work_.addresses || moved_server(*record))
      changes[settings::key_servers]
        = servers_entry(wish_, state_.subscription, found->thumbprint);
    // [REG-17]
    if (!state_.has_connections)
      changes[settings::key_connections]
        = std::to_string(wish_.connections.value_or(
          std::max(least_connections, settings::cpu_limit())));
    return {};
  }

  bool moved_server(const registration_record& now) const {
    return state_.record && state_.record->server != now.server;
  }

  void note_moved_space(const registration_record& now) const {
    auto& old = state_.record;
    if (old && (old->space_id != now.space_id || old->server != now.server)
        && old->worker_id != now.worker_id)
      telemetry::warn("old-record-left",
                      {{"server", old->server},
                       {"space", old->space},
                       {"worker", old->worker_id},
                       {"reason", "The worker is registered elsewhere now; "
                                  "delete its old record there."}});
  }

  // [REG-18]: thumbprint and subscription are those of the first server.
  void apply_addresses(register_store::entries& changes) {
    auto& first = state_.servers.front();
    auto good = check_polling_addresses(wish_.comms, wish_.proxy,
                                        first.thumbprint, options_.patience);
    if (!good)
      telemetry::warn("polling-address-doubtful",
                      {{"mistake", name_of(good.error().what)},
                       {"reason", good.error().text}});
    changes[settings::key_servers]
      = servers_entry(wish_, first.subscription, first.thumbprint);
  }

  answer<void> apply_proxy(register_store::entries& changes) {
    std::string sealed;
    if (!wish_.proxy.password.empty()) {
      if (auto done = load_secret(); !done)
        return done;
      sealed = crypto::to_base64(crypto::encrypt_setting(
        stored_.machine_key, stored_.machine_iv, wish_.proxy.password));
    }
    for (auto& [key, value] : proxy_entries(wish_.proxy, sealed))
      changes[key] = value;
    return {};
  }

  // -- identity
  // ----------------------------------------------------------------

  // Machine key and what it seals [CFG-11].
  answer<void> load_secret() {
    if (!stored_.machine_key.empty())
      return {};
    auto secret = store_.secret(wish_.secret);
    if (!secret)
      return tl::unexpected(secret.error());
    auto data = std::move(secret->data);
    if (!data.contains(settings::key_machine_key)
        || !data.contains(settings::key_machine_iv)) {
      auto keys = settings::new_machine_keys();
      if (auto done = store_.patch_secret(wish_.secret, all(keys)); !done)
        return done;
      for (auto& [key, value] : keys)
        data[key] = value;
      telemetry::info("machine-key-created");
    }
    auto read = settings::read_stored(config_, data);
    if (!read)
      return wrong(mistake::stored_wrong, read.error().front().variable + ": "
                                            + read.error().front().text);
    stored_ = std::move(*read);
    return {};
  }

  // Certificate and subscription, stored before the server hears of them.
  answer<void> prepare_identity() {
    if (auto done = load_secret(); !done)
      return done;
    register_store::entries changes;
    if (!stored_.identity.valid()) {
      stored_.identity = wish_.certificate;
      if (!stored_.identity.valid()) {
        auto made = crypto::identity::generate();
        if (!made)
          return wrong(mistake::stored_wrong, made.error().text);
        stored_.identity = *made;
      }
      changes = all(settings::identity_entries(
        stored_.identity, stored_.machine_key, stored_.machine_iv));
    }
    if (state_.subscription.empty())
      state_.subscription
        = !wish_.subscription.empty() ? wish_.subscription : new_subscription();
    if (config_[key_subscription] != state_.subscription)
      changes[key_subscription] = state_.subscription;
    if (changes.empty())
      return {};
    return store_.patch_config_map(wish_.config_map, changes);
  }

  const register_options& options_;
  register_settings wish_;
  std::vector<trouble> wrong_;
  register_store store_;
  settings::string_map config_;
  register_state state_;
  register_work work_;
  settings::stored_settings stored_;
};

bool setting_mistake(mistake x) {
  return x <= mistake::option_wrong;
}

void tell_kubernetes(const std::string& text) {
  std::error_code ignored;
  if (std::filesystem::exists("/dev/termination-log", ignored))
    std::ofstream{"/dev/termination-log"} << text << "\n";
}

} // namespace

answer<register_result> register_once(const register_options& options,
                                      const settings::environment& env) {
  auto input = read_register_settings(env, {options.existing, options.ca_file});
  // Consent is not only for the first time.
  for (auto& x : input.wrong)
    if (x.what == mistake::eula_not_accepted || x.what == mistake::mode_wrong)
      return tl::unexpected(x);
  auto access = find_cluster(options.kubeconfig, options.namespace_name,
                             input.values.namespace_name);
  if (!access)
    return tl::unexpected(access.error());
  registration it{options, std::move(input), std::move(*access)};
  return it.run();
}

int run_register(const register_options& options) {
  auto env = settings::process_environment();
  telemetry::start_logging(settings::read_environment(env).values.level);
  auto result = register_once(options, env);
  auto code = 0;
  if (!result) {
    auto& why = result.error();
    telemetry::error("register-failed",
                     {{"mistake", name_of(why.what)}, {"reason", why.text}});
    tell_kubernetes(why.text);
    code = setting_mistake(why.what) ? 2 : 1;
  } else if (result->what == kind::kept) {
    telemetry::error(
      "registration-not-changed",
      {{"mistake", name_of(result->why.what)},
       {"reason", result->why.text},
       {"then", "The worker goes on as it is registered; the change is tried "
                "again at the next start."}});
  } else if (result->what == kind::unchanged) {
    telemetry::info("registration-unchanged");
  } else {
    telemetry::info("registered");
  }
  telemetry::stop_logging();
  return code;
}

} // namespace cuttle
