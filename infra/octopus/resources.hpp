#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "infra/octopus/mistake.hpp"

namespace cuttle::octopus {

/// Links of a document, by name.
using link_map = std::map<std::string, std::string>;

/// `GET /api`.
struct root_document {
  std::string version;
  std::string api_version;
  link_map links;
};

/// `GET /api/users/me`.
struct user_document {
  std::string id;
  std::string username;
  std::string display_name;
  link_map links;
};

/// Something with an id, a name and perhaps a slug: pool, policy.
struct named {
  std::string id;
  std::string name;
  std::string slug;
  /// Of a pool: `StaticWorkerPool`, `DynamicWorkerPool`, or empty.
  std::string pool_type;
  /// Of a policy: what it says about updates of Kubernetes workers (`Update`,
  /// `NeverUpdate`, `Block`), or empty.
  std::string update_behaviour;
  bool is_default = false;
};

/// A space that the user may enter.
struct space_document {
  std::string id;
  std::string name;
  bool is_default = false;
  link_map links;
};

/// A worker's record.
struct worker_document {
  std::string id;
  std::string name;
  /// `KubernetesTentacle`, `TentaclePassive`, …
  std::string style;
  /// Upper-case hexadecimal; empty when the endpoint has none.
  std::string thumbprint;
  std::string uri;
  std::string health;
  std::string policy_id;
  std::vector<std::string> pool_ids;
  bool upgrade_locked = false;
  std::string self;
  /// All of it as the server gave it, so that an update loses nothing.
  std::string text;
};

/// A page of a collection. `next` is the link of the following page.
template <class T>
struct page {
  std::vector<T> items;
  std::string next;
};

/// What an error answer says (`install-and-register` 6.6), as one line; empty
/// when the body is none of the server's.
std::string error_message(std::string_view body);

// Readers. Members of a wrong type count as absent; what is no JSON object, or
// lacks what can not be done without, is `answer_wrong` (`not_octopus` for the
// root document) and names `from`, the call that gave it. Never throw on
// account of the text.

answer<root_document> read_root(std::string_view body);
answer<user_document> read_user(std::string_view body);
/// An array, as a user's `Spaces` link gives it, or a page.
answer<std::vector<space_document>> read_spaces(std::string_view body);
answer<link_map> read_links(std::string_view body, std::string_view from);
answer<page<named>> read_named(std::string_view body, std::string_view from);
answer<page<worker_document>> read_workers(std::string_view body);
answer<worker_document> read_worker(std::string_view body);
/// Thumbprint of the server's certificate for polling.
answer<std::string> read_thumbprint(std::string_view body);
/// `{"AccessToken": …}`.
answer<std::string> read_access_token(std::string_view body);

/// Whether the REST API has a version that this program speaks: 3.0.0 to
/// 3.0.99, from a server of version 3 or later, or of a build without version
/// (`install-and-register` 6.2).
answer<void> check_version(const root_document& root);

} // namespace cuttle::octopus
