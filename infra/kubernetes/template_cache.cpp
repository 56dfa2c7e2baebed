#include "infra/kubernetes/template_cache.hpp"

#include <mutex>
#include <utility>
#include <vector>

#include "infra/telemetry/log.hpp"

namespace cuttle::kubernetes {

struct template_cache::state {
  using callback = std::function<void(std::optional<pod_template>)>;

  state(cluster& where, std::function<clock::time_point()> what_time)
    : api(where), now(std::move(what_time)) {}

  // Ends the search: remembers, and tells all who wait.
  void settle(std::optional<pod_template> value) {
    std::vector<callback> all;
    {
      std::lock_guard lock{mutex};
      found = value;
      read_at = now();
      all.swap(waiting);
    }
    for (auto& done : all)
      done(value);
  }

  cluster& api;
  const std::function<clock::time_point()> now;
  std::mutex mutex;
  std::optional<clock::time_point> read_at;
  std::optional<pod_template> found;
  // Not empty while a search is under way.
  std::vector<callback> waiting;
};

namespace {

void warn(const char* source, const failure& reason) {
  // A cluster without the resource's definition is the usual case, and a chart
  // without a template gives no right to look for one.
  if (reason.code == errc::forbidden)
    telemetry::info("no-pod-template",
                    {{"source", source}, {"reason", reason.text}});
  else if (reason.code != errc::not_found)
    telemetry::warn("pod-template-not-read",
                    {{"source", source}, {"reason", reason.text}});
}

std::optional<pod_template>
read(const char* source, outcome<std::string> body,
     outcome<std::optional<pod_template>> (*parse)(std::string_view)) {
  if (!body) {
    warn(source, body.error());
    return std::nullopt;
  }
  auto result = parse(*body);
  if (!result) {
    warn(source, result.error());
    return std::nullopt;
  }
  return std::move(*result);
}

} // namespace

template_cache::template_cache(cluster& api,
                               std::function<clock::time_point()> now)
  : state_(std::make_shared<state>(api, std::move(now))) {}

template_cache::~template_cache() = default;

void template_cache::get(
  std::function<void(std::optional<pod_template>)> done) {
  std::unique_lock lock{state_->mutex};
  auto searching = !state_->waiting.empty();
  if (!searching && state_->read_at
      && state_->now() - *state_->read_at < lifetime) {
    auto copy = state_->found;
    lock.unlock();
    return done(std::move(copy));
  }
  state_->waiting.push_back(std::move(done));
  lock.unlock();
  if (searching)
    return;
  state_->api.list_objects(
    "agent.octopus.com/v1beta1", "scriptpodtemplates", "",
    [s = state_](outcome<std::string> resources) {
      if (auto found = read("scriptpodtemplates", std::move(resources),
                            template_of_resources))
        return s->settle(std::move(found));
      s->api.list_objects(
        "apps/v1", "deployments", std::string{pod_template_label},
        [s](outcome<std::string> deployments) {
          s->settle(read("deployments", std::move(deployments),
                         template_of_deployments));
        });
    });
}

} // namespace cuttle::kubernetes
