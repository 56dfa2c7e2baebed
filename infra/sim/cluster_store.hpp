#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "infra/sim/cluster_selector.hpp"
#include "infra/sim/cluster_status.hpp"

namespace cuttle::sim {

/// One version of one object; never changes.
struct stored_object {
  std::string resource;
  std::string name;
  std::string uid;
  std::uint64_t version = 0;
  nlohmann::json value;
  /// `value` as JSON.
  std::string text;
};

using object_ptr = std::shared_ptr<const stored_object>;

/// Either an object or why the API server refuses.
using store_result = tl::expected<object_ptr, api_error>;

/// A page of a LIST.
struct object_page {
  std::vector<object_ptr> items;
  std::uint64_t version = 0;
  /// Whether there are more after the last item.
  bool more = false;
};

/// What a watch has to tell next.
struct watch_batch {
  struct event {
    /// `ADDED`, `MODIFIED` or `DELETED`.
    std::string_view type;
    object_ptr object;
  };
  std::vector<event> events;
  /// Where to go on; also the version of a bookmark.
  std::uint64_t version = 0;
};

/// The objects of one namespace with their versions and the history that
/// watches read: etcd and the watch cache in small. Thread-safe; never calls
/// out under its lock.
class cluster_store {
public:
  /// `history`: changes kept for each resource.
  cluster_store(std::string namespace_name, std::size_t history);

  /// Is called after each change, on the changing thread. Set before use.
  void on_change(std::function<void()> callback);

  /// Adds an object; sets namespace, uid, version and creation time.
  store_result create(const std::string& resource, nlohmann::json value);

  /// Null when there is none.
  object_ptr find(const std::string& resource, const std::string& name) const;

  /// Changes a copy of an object and stores it; `change` returns an error to
  /// give up. With `uid` the object must still be that one. A change that
  /// changes nothing makes no version.
  store_result update(
    const std::string& resource, const std::string& name,
    const std::string& uid,
    const std::function<std::optional<api_error>(nlohmann::json&)>& change);

  /// Removes an object; returns its last state, or null when there is none (or
  /// it has another uid than the given one).
  object_ptr remove(const std::string& resource, const std::string& name,
                    const std::string& uid = {});

  /// Objects in order of their names, at most `limit` (0: all) after `after`.
  object_page list(const std::string& resource, const selector& which,
                   std::size_t limit = 0, const std::string& after = {}) const;

  /// What happened to a resource after `version`, at most some 500 events; 410
  /// when that is too old.
  tl::expected<watch_batch, api_error> changes(const std::string& resource,
                                               const selector& which,
                                               std::uint64_t version) const;

  /// The newest version.
  std::uint64_t version() const;

  /// Forgets all history: all versions before now are too old.
  void compact();

private:
  struct change {
    std::uint64_t version = 0;
    object_ptr before;
    object_ptr now;
  };
  struct shelf {
    std::map<std::string, object_ptr> objects;
    std::deque<change> history;
    /// Changes up to here are forgotten.
    std::uint64_t forgotten = 0;
  };
  object_ptr seal(const std::string& resource, nlohmann::json value);
  void record(shelf& where, object_ptr before, object_ptr now);
  void changed() const;

  const std::string namespace_name_;
  const std::size_t history_;
  std::function<void()> on_change_;
  mutable std::mutex mutex_;
  std::uint64_t version_ = 1;
  std::map<std::string, shelf> shelves_;
};

} // namespace cuttle::sim
