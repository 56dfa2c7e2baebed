#include "infra/sim/cluster_store.hpp"

#include <algorithm>

#include "infra/sim/cluster_clock.hpp"
#include "infra/sim/cluster_text.hpp"

namespace cuttle::sim {

namespace {

constexpr std::size_t batch_size = 500;

/// A cluster drops events after an hour; here the oldest go first.
constexpr std::size_t max_events = 5'000;

} // namespace

cluster_store::cluster_store(std::string namespace_name, std::size_t history)
  : namespace_name_(std::move(namespace_name)),
    history_(std::max<std::size_t>(history, 1)) {}

void cluster_store::on_change(std::function<void()> callback) {
  on_change_ = std::move(callback);
}

void cluster_store::changed() const {
  if (on_change_)
    on_change_();
}

object_ptr cluster_store::seal(const std::string& resource,
                               nlohmann::json value) {
  auto result = std::make_shared<stored_object>();
  result->version = ++version_;
  value["metadata"]["resourceVersion"] = std::to_string(result->version);
  result->resource = resource;
  result->name = text_at(value, "/metadata/name");
  result->uid = text_at(value, "/metadata/uid");
  result->text = to_text(value);
  result->value = std::move(value);
  return result;
}

void cluster_store::record(shelf& where, object_ptr before, object_ptr now) {
  where.history.push_back({version_, std::move(before), std::move(now)});
  while (where.history.size() > history_) {
    where.forgotten = where.history.front().version;
    where.history.pop_front();
  }
}

store_result cluster_store::create(const std::string& resource,
                                   nlohmann::json value) {
  object_ptr result;
  {
    std::lock_guard lock{mutex_};
    auto& where = shelves_[resource];
    auto& meta = value["metadata"];
    auto name = text_at(value, "/metadata/name");
    if (where.objects.count(name) != 0)
      return tl::unexpected(already_exists(resource, name));
    meta["namespace"] = namespace_name_;
    meta["uid"] = make_uid();
    meta["creationTimestamp"] = rfc3339(cluster_now());
    meta.erase("deletionTimestamp");
    meta.erase("deletionGracePeriodSeconds");
    result = seal(resource, std::move(value));
    where.objects.emplace(name, result);
    record(where, nullptr, result);
    if (resource == "events" && where.objects.size() > max_events) {
      auto older = [](const auto& x, const auto& y) {
        return x.second->version < y.second->version;
      };
      auto oldest
        = std::min_element(where.objects.begin(), where.objects.end(), older);
      auto last = seal(resource, oldest->second->value);
      where.objects.erase(oldest);
      record(where, last, nullptr);
    }
  }
  changed();
  return result;
}

object_ptr cluster_store::find(const std::string& resource,
                               const std::string& name) const {
  std::lock_guard lock{mutex_};
  auto where = shelves_.find(resource);
  if (where == shelves_.end())
    return nullptr;
  auto found = where->second.objects.find(name);
  return found == where->second.objects.end() ? nullptr : found->second;
}

store_result cluster_store::update(
  const std::string& resource, const std::string& name, const std::string& uid,
  const std::function<std::optional<api_error>(nlohmann::json&)>& change) {
  object_ptr result;
  {
    std::lock_guard lock{mutex_};
    auto& where = shelves_[resource];
    auto found = where.objects.find(name);
    if (found == where.objects.end()
        || (!uid.empty() && found->second->uid != uid))
      return tl::unexpected(not_found(resource, name));
    auto value = found->second->value;
    if (auto error = change(value))
      return tl::unexpected(std::move(*error));
    if (value == found->second->value)
      return found->second;
    result = seal(resource, std::move(value));
    record(where, found->second, result);
    found->second = result;
  }
  changed();
  return result;
}

object_ptr cluster_store::remove(const std::string& resource,
                                 const std::string& name,
                                 const std::string& uid) {
  object_ptr result;
  {
    std::lock_guard lock{mutex_};
    auto& where = shelves_[resource];
    auto found = where.objects.find(name);
    if (found == where.objects.end()
        || (!uid.empty() && found->second->uid != uid))
      return nullptr;
    // The event of a removal has a version of its own.
    result = seal(resource, found->second->value);
    where.objects.erase(found);
    record(where, result, nullptr);
  }
  changed();
  return result;
}

object_page cluster_store::list(const std::string& resource,
                                const selector& which, std::size_t limit,
                                const std::string& after) const {
  object_page result;
  std::lock_guard lock{mutex_};
  result.version = version_;
  auto where = shelves_.find(resource);
  if (where == shelves_.end())
    return result;
  const auto& objects = where->second.objects;
  auto at = after.empty() ? objects.begin() : objects.upper_bound(after);
  for (; at != objects.end(); ++at) {
    if (!which.matches(at->second->value))
      continue;
    if (limit != 0 && result.items.size() == limit) {
      result.more = true;
      break;
    }
    result.items.push_back(at->second);
  }
  return result;
}

tl::expected<watch_batch, api_error>
cluster_store::changes(const std::string& resource, const selector& which,
                       std::uint64_t version) const {
  watch_batch result;
  std::lock_guard lock{mutex_};
  result.version = std::max(version, version_);
  auto found = shelves_.find(resource);
  if (found == shelves_.end())
    return result;
  const auto& where = found->second;
  if (version < where.forgotten)
    return tl::unexpected(too_old(version, where.forgotten));
  auto newer = [](std::uint64_t x, const change& y) { return x < y.version; };
  auto at = std::upper_bound(where.history.begin(), where.history.end(),
                             version, newer);
  for (; at != where.history.end(); ++at) {
    if (result.events.size() == batch_size) {
      result.version = std::prev(at)->version;
      break;
    }
    auto was = at->before && which.matches(at->before->value);
    auto is = at->now && which.matches(at->now->value);
    if (is)
      result.events.push_back({was ? "MODIFIED" : "ADDED", at->now});
    else if (was)
      result.events.push_back({"DELETED", at->now ? at->now : at->before});
  }
  return result;
}

std::uint64_t cluster_store::version() const {
  std::lock_guard lock{mutex_};
  return version_;
}

void cluster_store::compact() {
  {
    std::lock_guard lock{mutex_};
    ++version_;
    for (const auto* name : {"pods", "events", "configmaps", "secrets"}) {
      auto& where = shelves_[name];
      where.history.clear();
      where.forgotten = version_;
    }
  }
  changed();
}

} // namespace cuttle::sim
