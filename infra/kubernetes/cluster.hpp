#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/failure.hpp"
#include "messages/pod.hpp"

namespace cuttle::kubernetes {

/// Identifies one open call, watch or follow stream. 0 is none.
using call_id = std::uint64_t;

/// What a list+watch tells. Called on the driver's thread, one at a time; never
/// after `cancel` returned on that thread, and at most once more when `cancel`
/// is called on another.
template <class T>
struct watch_callbacks {
  /// The whole set, after each list: the first one, and again after 410.
  std::function<void(std::vector<T>)> on_list;
  /// One object was added or changed.
  std::function<void(T)> on_change;
  /// One object is gone; the value is its last state.
  std::function<void(T)> on_delete;
  /// The watch broke; it is resumed by itself after `retry_in`. Also called
  /// with `errc::none` when it works again.
  std::function<void(const failure&, std::chrono::milliseconds retry_in)>
    on_trouble;
};

/// Which log to follow.
struct log_query {
  std::string pod;
  std::string container;
  /// Only whole seconds are honoured by Kubernetes.
  std::optional<timestamp> since;
};

/// What a follow stream tells, on the driver's thread.
struct log_callbacks {
  /// Bytes of the log, any cut. Each line starts with a time stamp.
  std::function<void(std::string_view)> on_data;
  /// Terminal; called once unless cancelled. `errc::none`: the server ended the
  /// stream in good order (the container ended, or the kubelet rotated the
  /// log). `not_found`: no such pod, or its container has not started.
  std::function<void(const failure&)> on_end;
};

/// Name and data of a config map or secret. Values of a secret are decoded.
struct stored_map {
  std::string name;
  std::string resource_version;
  std::map<std::string, std::string> data;
  std::string uid{};
};

/// A config map that other objects belong to: the cluster removes them when it
/// is gone. The uid says which one, should another take its name.
struct owner_reference {
  std::string name;
  std::string uid;
};

/// Why there is no pod, and when to try again if the API server said so.
struct creation_failure : failure {
  creation_failure() = default;
  creation_failure(failure why) : failure(std::move(why)) {}
  std::optional<std::chrono::seconds> retry_after;
};

/// What becomes of a creation. `overloaded`: the API server has provably not
/// made the pod, for it has too much to do; the same pod may be created later.
using creation_outcome = tl::expected<pod_snapshot, creation_failure>;

/// What a creation tells, on the driver's thread.
struct creation_callbacks {
  /// The request goes out for the first time: there is a connection for it. May
  /// be empty; must do little, and call nothing of the driver's.
  std::function<void()> on_sent;
  std::function<void(creation_outcome)> on_done;
};

/// Version of the API server [IMG-06].
struct cluster_version {
  int major = 0;
  int minor = 0;
  std::string git_version;
  friend auto operator<=>(const cluster_version& x, const cluster_version& y) {
    return std::pair{x.major, x.minor} <=> std::pair{y.major, y.minor};
  }
  friend bool operator==(const cluster_version& x, const cluster_version& y) {
    return std::pair{x.major, x.minor} == std::pair{y.major, y.minor};
  }
};

/// The part of the Kubernetes API that a worker uses, in its own namespace.
/// Results come on the driver's thread, once each, unless the call is
/// cancelled. Calls that may be repeated safely (all but create) are retried
/// inside, with back-off, for 429, 5xx and lost connections, as long as
/// `patience` of the driver's options lasts; 401 reads the credentials again.
/// Failures carry the API server's own message. Thread-safe.
class cluster {
public:
  virtual ~cluster() = default;

  virtual call_id create_pod(std::string manifest_json, creation_callbacks) = 0;
  virtual call_id get_pod(std::string name,
                          std::function<void(outcome<pod_snapshot>)>)
    = 0;
  /// Without `grace` the pod's own grace period applies. A pod that does not
  /// exist is a success [RPC-12]. With `uid`, only that pod is deleted.
  virtual call_id delete_pod(std::string name, std::string uid,
                             std::optional<std::chrono::seconds> grace,
                             std::function<void(outcome<void>)>)
    = 0;
  /// List + watch of the script pods [MON-01].
  virtual call_id watch_pods(watch_callbacks<pod_snapshot>) = 0;
  /// List + watch of events about pods.
  virtual call_id watch_pod_events(watch_callbacks<pod_event>) = 0;
  virtual call_id follow_log(log_query, log_callbacks) = 0;
  virtual call_id get_config_map(std::string name,
                                 std::function<void(outcome<stored_map>)>)
    = 0;
  /// JSON merge patch of `data`; nothing for a value removes the key.
  virtual call_id
  patch_config_map(std::string name,
                   std::map<std::string, std::optional<std::string>> data,
                   std::function<void(outcome<stored_map>)>)
    = 0;
  virtual call_id get_secret(std::string name,
                             std::function<void(outcome<stored_map>)>)
    = 0;
  virtual call_id create_secret(std::string manifest_json,
                                std::function<void(outcome<void>)>)
    = 0;
  /// JSON merge patch of `data`, and the secret's owner, if there is to be one.
  virtual call_id
  patch_secret(std::string name,
               std::map<std::string, std::optional<std::string>> data,
               std::optional<owner_reference> owner,
               std::function<void(outcome<stored_map>)>)
    = 0;
  /// The objects of another API group, as the JSON text of a list. `group` such
  /// as `apps/v1`; an empty `selector` takes all.
  virtual call_id list_objects(std::string group, std::string resource,
                               std::string selector,
                               std::function<void(outcome<std::string>)>)
    = 0;
  virtual call_id get_version(std::function<void(outcome<cluster_version>)>)
    = 0;

  /// Stops reading a follow stream, so that TCP holds the sender back.
  virtual void pause(call_id) = 0;
  virtual void resume(call_id) = 0;
  /// Ends a call without a further callback, see `watch_callbacks`.
  virtual void cancel(call_id) = 0;
};

} // namespace cuttle::kubernetes
