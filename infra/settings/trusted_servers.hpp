#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "infra/settings/settings.hpp"

namespace cuttle::settings {

/// Host and port of `https://host[:port][/…]`; an address without port means
/// the scheme's own (443, 80), as a Uri does. Nothing for other text.
struct host_and_port {
  std::string host;
  std::uint16_t port;
};
std::optional<host_and_port> parse_address(std::string_view text);

/// The servers to poll out of the stored JSON. Entries that can not be polled
/// become warnings.
std::vector<trusted_server> parse_trusted_servers(const std::string& json,
                                                  std::vector<problem>& notes);

} // namespace cuttle::settings
