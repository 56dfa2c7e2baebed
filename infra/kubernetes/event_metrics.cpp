#include "infra/kubernetes/event_metrics.hpp"

#include <algorithm>
#include <utility>

#include "infra/kubernetes/pod_json.hpp"
#include "infra/kubernetes/rfc3339.hpp"

namespace cuttle::kubernetes {

namespace {

constexpr auto key_metrics = "metrics";
constexpr auto key_latest = "latestTimestamp";
// How the stock chart and this project's one end the name of the deployment.
constexpr std::string_view own_suffixes[] = {"-tentacle", "-worker"};

/// The name without its last part, as in `<name>-<hash>`.
std::string without_last_part(const std::string& name) {
  auto dash = name.rfind('-');
  return dash == std::string::npos ? std::string{} : name.substr(0, dash);
}

std::optional<json> object_in(const std::map<std::string, std::string>& data,
                              const char* key) {
  auto i = data.find(key);
  if (i == data.end())
    return std::nullopt;
  auto value = json::parse(i->second, nullptr, false);
  if (!value.is_object())
    return std::nullopt;
  return value;
}

} // namespace

event_sources event_sources::of(const std::string& own_pod) {
  event_sources result;
  auto deployment = without_last_part(without_last_part(own_pod));
  for (auto suffix : own_suffixes) {
    if (!deployment.ends_with(suffix) || deployment.size() == suffix.size())
      continue;
    result.nfs
      = deployment.substr(0, deployment.size() - suffix.size()) + "-nfs";
    result.tentacle = std::move(deployment);
    break;
  }
  return result;
}

std::string event_sources::of_pod(const std::string& pod) const {
  if (pod.starts_with(tentacle))
    return "tentacle";
  if (pod.starts_with(script))
    return "script";
  if (pod.starts_with(nfs))
    return "nfs";
  return "unknown";
}

bool counts(const pod_event& event, const event_sources& sources) {
  if (event.reason == "NfsWatchdogTimeout")
    return true;
  if (event.reason != "Killing")
    return false;
  auto source = sources.of_pod(event.pod_name);
  return source == "nfs" || source == "tentacle";
}

event_metrics
event_metrics::read(const std::map<std::string, std::string>& data) {
  event_metrics result;
  if (auto i = data.find(key_latest); i != data.end())
    result.latest_ = parse_time(i->second);
  auto all = object_in(data, key_metrics);
  if (!all)
    return result;
  for (auto& [reason, sources] : all->items()) {
    if (!sources.is_object())
      continue;
    for (auto& [source, times] : sources.items()) {
      if (!times.is_array())
        continue;
      for (auto& text : times)
        if (text.is_string())
          if (auto time = parse_time(text.get_ref<const std::string&>()))
            result.times_[reason][source].push_back(*time);
    }
  }
  return result;
}

bool event_metrics::add(const std::vector<pod_event>& events,
                        const event_sources& sources) {
  auto cursor = latest_;
  auto added = false;
  for (auto& event : events) {
    if (!counts(event, sources) || (cursor && event.occurred <= *cursor))
      continue;
    auto& times = times_[event.reason][sources.of_pod(event.pod_name)];
    times.push_back(event.occurred);
    if (times.size() > most)
      times.erase(times.begin(),
                  times.end() - static_cast<std::ptrdiff_t>(most));
    latest_ = std::max(latest_.value_or(event.occurred), event.occurred);
    added = true;
  }
  return added;
}

std::map<std::string, std::optional<std::string>> event_metrics::data() const {
  auto all = json::object();
  for (auto& [reason, sources] : times_)
    for (auto& [source, times] : sources) {
      auto& list = all[reason][source];
      list = json::array();
      for (auto& time : times)
        list.push_back(format_round_trip(time));
    }
  std::map<std::string, std::optional<std::string>> result;
  result[key_metrics] = dump(all);
  if (latest_)
    result[key_latest] = format_round_trip(*latest_);
  return result;
}

void store_event_metrics(cluster& api, std::string config_map,
                         std::vector<pod_event> events, event_sources sources,
                         std::function<void(outcome<void>)> done) {
  auto read = [&api, config_map, events = std::move(events),
               sources = std::move(sources),
               done = std::move(done)](outcome<stored_map> found) {
    if (!found)
      return done(tl::unexpected{std::move(found.error())});
    auto metrics = event_metrics::read(found->data);
    if (!metrics.add(events, sources))
      return done({});
    api.patch_config_map(config_map, metrics.data(),
                         [done](outcome<stored_map> stored) {
                           if (stored)
                             done({});
                           else
                             done(tl::unexpected{std::move(stored.error())});
                         });
  };
  api.get_config_map(config_map, std::move(read));
}

} // namespace cuttle::kubernetes
