#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "infra/sim/cluster_status.hpp"

namespace cuttle::sim {

/// What a request asks for, from its method and target alone.
struct request_path {
  /// Path without the query.
  std::string path;
  std::map<std::string, std::string> query;
  /// Empty for what is not below `/api/v1`.
  std::string resource;
  std::string namespace_name;
  std::string name;
  std::string subresource;
  /// As an API client counts it: `create`, `get`, `list`, `watch`, `patch`,
  /// `update`, `delete`, `log`.
  std::string verb;

  /// The value of a query parameter, "" when there is none.
  std::string parameter(const std::string& key) const;

  /// Whether a parameter is `true` or `1`.
  bool flag(const std::string& key) const;

  /// A parameter that is a whole number: nothing when absent, 400 when it is
  /// no number.
  tl::expected<std::optional<std::int64_t>, api_error>
  number(const std::string& key) const;
};

/// Nothing for a target with malformed escapes.
std::optional<request_path> parse_target(std::string_view method,
                                         std::string_view target);

} // namespace cuttle::sim
