#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "infra/kubernetes/cluster.hpp"

namespace cuttle::kubernetes {

/// The API server's own word about a request that failed.
struct api_status {
  /// The HTTP code that it stands for; 0 when unknown.
  int code = 0;
  /// `AlreadyExists`, `Expired`, …
  std::string reason;
  std::string message;
  /// How long to wait before the same request, as far as the body says so.
  std::optional<std::chrono::seconds> retry_after;
};

/// One page of a list.
template <class T>
struct object_page {
  std::vector<T> items;
  std::string resource_version;
  /// Asks for the next page; empty on the last one.
  std::string next;
  /// Objects that could not be used, for a log line.
  std::size_t skipped = 0;
};

/// One object of a watch.
template <class T>
struct watch_item {
  enum class kind : std::uint8_t {
    added,
    modified,
    deleted,
    /// Only `resource_version` matters.
    bookmark,
    /// Only `status` matters; the watch is over.
    error,
    /// An unknown type or an object without a name; to be passed over.
    unusable,
  };
  kind type = kind::unusable;
  T object;
  std::string resource_version;
  api_status status;
};

/// Reads what the API server sends. Members of a wrong type count as absent;
/// what is no JSON at all, or no object of the expected kind, is a
/// `protocol_error`. Never throws on account of the text. Needs some ten bytes
/// of memory for each byte of the text while it works, and keeps at most a few
/// megabytes between calls. Not thread-safe.
class object_reader {
public:
  object_reader();
  ~object_reader();

  object_reader(const object_reader&) = delete;
  object_reader& operator=(const object_reader&) = delete;

  outcome<pod_snapshot> pod(std::string_view text);
  outcome<object_page<pod_snapshot>> pods(std::string_view text);
  outcome<watch_item<pod_snapshot>> pod_change(std::string_view text);

  outcome<object_page<pod_event>> events(std::string_view text);
  outcome<watch_item<pod_event>> event_change(std::string_view text);

  outcome<stored_map> config_map(std::string_view text);
  /// Values are decoded from base64.
  outcome<stored_map> secret(std::string_view text);
  /// Non-digits are stripped from both numbers [IMG-06].
  outcome<cluster_version> version(std::string_view text);

  /// The body of an answer with an error code. What is no `Status` becomes the
  /// message as it stands, shortened.
  api_status status(std::string_view text);

  /// `metadata.name` of any object; empty when there is none.
  std::string name(std::string_view text);

  /// `metadata.labels` of any object.
  std::map<std::string, std::string> labels(std::string_view text);

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace cuttle::kubernetes
