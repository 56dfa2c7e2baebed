#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "infra/kubernetes/cluster.hpp"

namespace cuttle::kubernetes {

/// `text` for use inside a path or query of a URL: everything but letters,
/// digits and `-._~` is escaped.
std::string url_escaped(std::string_view text);

/// Path of a collection (`pods`, `events`, …), or of one object in it.
std::string object_path(std::string_view namespace_name,
                        std::string_view resource, std::string_view name = {});

/// Path and query of a follow stream [LOG-01]. Kubernetes honours whole
/// seconds only, so the time is cut to them.
std::string log_path(std::string_view namespace_name, const log_query& query);

/// Query of one page of a list. `next` is the token of the page before.
std::string list_query(std::string_view selector, std::string_view next);

/// Query of a watch from `version` on.
std::string watch_query(std::string_view selector, std::string_view version,
                        std::chrono::seconds timeout);

} // namespace cuttle::kubernetes
