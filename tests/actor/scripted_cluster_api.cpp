#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "infra/kubernetes/manifest.hpp"
#include "scripted_cluster.hpp"

namespace cuttle::test {

using kubernetes::call_id;

// -- implementation of cluster ------------------------------------------------

// The pod exists from the call on: what is open is the answer.
call_id scripted_cluster::create_pod(std::string manifest_json,
                                     kubernetes::creation_callbacks callbacks) {
  if (deaf)
    return ++last_id_;
  if (callbacks.on_sent)
    callbacks.on_sent();
  auto& done = callbacks.on_done;
  manifests.push_back(manifest_json);
  auto manifest = nlohmann::json::parse(manifest_json);
  auto& meta = manifest["metadata"];
  auto name = meta["name"].get<std::string>();
  script_ticket ticket{
    meta["labels"]["octopus.com/scriptTicketId"].get<std::string>()};
  EXPECT_EQ(name, kubernetes::script_pod_name(ticket));
  if (!refusals.empty()) {
    creations.push_back({++last_id_, name, std::move(done), refusals.front()});
    refusals.pop_front();
    return last_id_;
  }
  if (!pods.contains(name)) {
    ++created[name];
    add(ticket);
  }
  creations.push_back({++last_id_, name, std::move(done), {}});
  return last_id_;
}

call_id
scripted_cluster::get_pod(std::string name,
                          std::function<void(outcome<pod_snapshot>)> done) {
  if (deaf)
    return ++last_id_;
  lookups.push_back({++last_id_, std::move(name), std::move(done)});
  return last_id_;
}

call_id scripted_cluster::delete_pod(std::string name, std::string uid,
                                     std::optional<std::chrono::seconds> grace,
                                     std::function<void(outcome<void>)> done) {
  if (deaf)
    return ++last_id_;
  deletions.push_back({name, std::move(uid), grace});
  removals.push_back({++last_id_, std::move(name), std::move(done)});
  return last_id_;
}

void scripted_cluster::answer_removal(call<void> x) {
  if (deletion_failure.code != errc::none)
    return x.done(tl::unexpected(deletion_failure));
  auto i = pods.find(x.name);
  if (i != pods.end())
    remove(script_ticket{i->second.snapshot.ticket});
  x.done({});
}

call_id scripted_cluster::watch_pods(
  kubernetes::watch_callbacks<pod_snapshot> callbacks) {
  if (deaf)
    return ++last_id_;
  watches.emplace(++last_id_, std::move(callbacks));
  return last_id_;
}

call_id scripted_cluster::watch_pod_events(
  kubernetes::watch_callbacks<pod_event> callbacks) {
  if (deaf)
    return ++last_id_;
  event_watches.emplace(++last_id_, std::move(callbacks));
  return last_id_;
}

call_id scripted_cluster::follow_log(kubernetes::log_query query,
                                     kubernetes::log_callbacks callbacks) {
  if (deaf)
    return ++last_id_;
  follows.push_back(query);
  stream x;
  x.query = std::move(query);
  x.callbacks = std::move(callbacks);
  streams.emplace(++last_id_, std::move(x));
  return last_id_;
}

call_id scripted_cluster::get_config_map(
  std::string name, std::function<void(outcome<kubernetes::stored_map>)> done) {
  if (deaf)
    return ++last_id_;
  ++map_reads;
  auto i = maps.find(name);
  if (map_failure.code != errc::none)
    done(tl::unexpected(map_failure));
  else if (i == maps.end())
    done(fail(errc::not_found, "configmaps \"" + name + "\" not found"));
  else
    done(kubernetes::stored_map{name, "1", i->second});
  return ++last_id_;
}

call_id scripted_cluster::patch_config_map(
  std::string name, std::map<std::string, std::optional<std::string>> data,
  std::function<void(outcome<kubernetes::stored_map>)> done) {
  if (deaf)
    return ++last_id_;
  ++map_writes;
  for (auto& [key, value] : data)
    if (value)
      maps[name][key] = *value;
  done(kubernetes::stored_map{name, "2", maps[name]});
  return ++last_id_;
}

call_id scripted_cluster::get_secret(
  std::string name, std::function<void(outcome<kubernetes::stored_map>)> done) {
  if (deaf)
    return ++last_id_;
  done(kubernetes::stored_map{std::move(name), "1", {}});
  return ++last_id_;
}

call_id
scripted_cluster::create_secret(std::string manifest_json,
                                std::function<void(outcome<void>)> done) {
  if (deaf)
    return ++last_id_;
  secrets.push_back(std::move(manifest_json));
  done({});
  return ++last_id_;
}

call_id scripted_cluster::patch_secret(
  std::string name, std::map<std::string, std::optional<std::string>>,
  std::optional<kubernetes::owner_reference>,
  std::function<void(outcome<kubernetes::stored_map>)> done) {
  if (deaf)
    return ++last_id_;
  done(kubernetes::stored_map{std::move(name), "2", {}});
  return ++last_id_;
}

call_id scripted_cluster::get_version(
  std::function<void(outcome<kubernetes::cluster_version>)> done) {
  if (deaf)
    return ++last_id_;
  versions.push_back({++last_id_, "version", std::move(done)});
  return last_id_;
}

call_id
scripted_cluster::list_objects(std::string, std::string resource, std::string,
                               std::function<void(outcome<std::string>)> done) {
  if (deaf)
    return ++last_id_;
  ++listings[resource];
  auto i = lists.find(resource);
  if (i == lists.end())
    done(fail(errc::not_found, "the server could not find " + resource));
  else
    done(i->second);
  return ++last_id_;
}

void scripted_cluster::pause(call_id id) {
  ++pauses;
  if (auto i = streams.find(id); i != streams.end())
    i->second.paused = true;
}

void scripted_cluster::resume(call_id id) {
  ++resumes;
  if (auto i = streams.find(id); i != streams.end())
    i->second.paused = false;
}

void scripted_cluster::cancel(call_id id) {
  ++cancels;
  streams.erase(id);
  watches.erase(id);
  event_watches.erase(id);
  std::erase_if(versions, [=](auto& x) { return x.id == id; });
}

} // namespace cuttle::test
