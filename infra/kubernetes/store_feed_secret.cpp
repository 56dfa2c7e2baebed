#include "infra/kubernetes/store_feed_secret.hpp"

#include <memory>
#include <utility>

namespace cuttle::kubernetes {

namespace {

constexpr auto config_key = ".dockerconfigjson";

using done_function = std::function<void(outcome<void>)>;

void merge(cluster& api, const std::string& name, const start_script& command,
           const std::optional<owner_reference>& owner,
           const stored_map& existing, done_function done) {
  auto old = existing.data.find(config_key);
  auto config = feed_docker_config(
    command, old == existing.data.end() ? std::string_view{} : old->second);
  api.patch_secret(name, {{config_key, std::move(config)}}, owner,
                   [done = std::move(done)](outcome<stored_map> result) {
                     if (result)
                       done({});
                     else
                       done(tl::unexpected(std::move(result.error())));
                   });
}

void store(cluster& api, const script_pod_settings& settings,
           const start_script& command, done_function done) {
  auto name = *feed_secret_name(command);
  // Only what the later calls need of the command is kept.
  auto feed = std::make_shared<start_script>();
  feed->image = command.image;
  api.create_secret(
    make_feed_secret(settings, command),
    [&api, name, feed, owner = settings.owner, done](outcome<void> created) {
      if (created || created.error().code != errc::conflict)
        return done(std::move(created));
      api.get_secret(
        name, [&api, name, feed, owner, done](outcome<stored_map> existing) {
          if (existing)
            merge(api, name, *feed, owner, *existing, done);
          else
            done(tl::unexpected(std::move(existing.error())));
        });
    });
}

} // namespace

void store_feed_secret(cluster& api, const script_pod_settings& settings,
                       const start_script& command, done_function done) {
  if (!settings.owner)
    return store(api, settings, command, std::move(done));
  auto without
    = std::make_shared<std::pair<script_pod_settings, start_script>>();
  without->first.namespace_name = settings.namespace_name;
  without->first.release_name = settings.release_name;
  without->second.image = command.image;
  store(api, settings, command, [&api, without, done](outcome<void> result) {
    // A cluster may let nobody name an owner who may not delete secrets, which
    // the worker may not. Better a secret that stays than a script that fails.
    if (!result && result.error().code == errc::forbidden)
      store(api, without->first, without->second, done);
    else
      done(std::move(result));
  });
}

} // namespace cuttle::kubernetes
