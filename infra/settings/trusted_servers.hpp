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

/// The servers to poll out of the stored JSON. Entries of servers that dial
/// in are passed over; others that can not be polled become warnings.
std::vector<trusted_server> parse_trusted_servers(const std::string& json,
                                                  std::vector<problem>& notes);

/// A server with all the certificates that it may show.
struct polled_server {
  std::string host;
  std::uint16_t port = 10943;
  std::string subscription;
  std::vector<std::string> thumbprints;
};

/// The servers in their order. Entries with the same address and subscription
/// are one server, whose certificate is about to change or just did.
std::vector<polled_server>
polled_servers(const std::vector<trusted_server>& entries);

/// Thumbprints of the servers that may dial in: those of every entry, as a
/// server that is polled may as well be one that dials.
std::vector<std::string> parse_listening_trust(const std::string& json);

} // namespace cuttle::settings
