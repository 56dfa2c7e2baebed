#include "programs/cuttle/deregister.hpp"

#include "infra/octopus/match.hpp"
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

// What of the settings is needed here; the rest may be wrong.
bool matters(mistake x) {
  return x == mistake::server_url_wrong || x == mistake::credentials_unreadable
         || x == mistake::ca_wrong;
}

answer<octopus::space_document> find_space(octopus::session& server,
                                           const register_state& state,
                                           const std::string& wanted) {
  auto spaces = server.spaces();
  if (!spaces)
    return tl::unexpected(spaces.error());
  if (state.record)
    for (auto& x : *spaces)
      if (x.id == state.record->space_id)
        return x;
  return octopus::find_space(*spaces,
                             state.record ? state.record->space : wanted);
}

answer<std::size_t> delete_records(const register_settings& wish,
                                   const register_state& state,
                                   const std::string& thumbprint,
                                   std::chrono::milliseconds patience) {
  octopus::session server{session_options_of(wish, patience)};
  if (auto opened = server.open(); !opened)
    return tl::unexpected(opened.error());
  auto space = find_space(server, state, wish.space);
  if (!space)
    return tl::unexpected(space.error());
  if (auto entered = server.enter(*space); !entered)
    return tl::unexpected(entered.error());
  auto found = server.workers_with(thumbprint);
  if (!found)
    return tl::unexpected(found.error());
  for (auto& x : *found) {
    if (auto done = server.delete_worker(x); !done)
      return tl::unexpected(done.error());
    telemetry::info("worker-deleted", {{"worker", x.id}, {"name", x.name}});
  }
  return found->size();
}

} // namespace

answer<std::size_t> deregister_once(const deregister_options& options,
                                    const settings::environment& env) {
  auto input = read_register_settings(env, {{}, options.ca_file});
  auto& wish = input.values;
  register_state state;
  std::optional<register_store> store;
  auto access = find_cluster(options.kubeconfig, options.namespace_name,
                             wish.namespace_name);
  if (!access && options.thumbprint.empty())
    return tl::unexpected(access.error());
  if (access) {
    store.emplace(std::move(*access), options.patience);
    auto config = store->config_map(wish.config_map);
    if (config)
      state = read_register_state(config->data);
    else if (options.thumbprint.empty())
      return wrong(config.error().what,
                   config.error().text
                     + " If the worker is uninstalled already, name it with "
                       "--thumbprint.");
    else
      store.reset();
  }
  auto thumbprint = options.thumbprint.empty()
                      ? state.thumbprint
                      : crypto::normalise_thumbprint(options.thumbprint);
  // An interrupted registration has a subscription already.
  auto known = !options.thumbprint.empty() || state.registered
               || !state.subscription.empty();
  if (thumbprint.empty() || !known)
    return 0u;
  if (state.record) {
    auto url = octopus::parse_server_url(state.record->server);
    if (url)
      wish.server = *url;
  }
  if (wish.server.base.empty())
    return wrong(mistake::server_url_missing,
                 "It is not known at which server the worker is registered. "
                 "Set ServerUrl.");
  for (auto& x : input.wrong)
    if (matters(x.what))
      return tl::unexpected(x);
  if (wish.who.kind() == octopus::credential_kind::none)
    return wrong(mistake::credentials_missing,
                 "There are no credentials for the Octopus Server. Set "
                 "CUTTLE_AUTH_DIR, ServerApiKey or BearerToken.");
  auto deleted = delete_records(wish, state, thumbprint, options.patience);
  if (!deleted || !store || thumbprint != state.thumbprint)
    return deleted;
  auto done = store->patch_config_map(wish.config_map,
                                      {{settings::key_registered, std::nullopt},
                                       {settings::key_servers, std::nullopt},
                                       {key_registration, std::nullopt},
                                       {key_subscription, std::nullopt}});
  if (!done)
    return tl::unexpected(done.error());
  return deleted;
}

int run_deregister(const deregister_options& options) {
  auto env = settings::process_environment();
  telemetry::start_logging(settings::read_environment(env).values.level);
  auto result = deregister_once(options, env);
  auto code = 0;
  if (result) {
    telemetry::info("deregistered", {{"records", *result}});
  } else {
    telemetry::error("deregister-failed",
                     {{"mistake", name_of(result.error().what)},
                      {"reason", result.error().text}});
    code = result.error().what <= mistake::option_wrong ? 2 : 1;
  }
  telemetry::stop_logging();
  return code;
}

} // namespace cuttle
