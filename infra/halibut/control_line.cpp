#include "infra/halibut/control_line.hpp"

#include <vector>

namespace cuttle::halibut {

outcome<std::size_t> line_reader::feed(std::span<const std::uint8_t> bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && !done_) {
    auto c = static_cast<char>(bytes[taken++]);
    if (carriage_return_) {
      if (c != '\n')
        return fail(errc::protocol_error,
                    "a control line has CR without LF after \""
                      + printable(line_) + "\"");
      done_ = true;
    } else if (c == '\r') {
      carriage_return_ = true;
    } else if (line_.size() >= limit_) {
      return fail(errc::protocol_error, "a control line is longer than "
                                          + std::to_string(limit_) + " bytes");
    } else {
      line_ += c;
    }
  }
  return taken;
}

void line_reader::reset() {
  line_.clear();
  carriage_return_ = false;
  done_ = false;
}

outcome<peer_identity> parse_identity(std::string_view line) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at < line.size();) {
    auto end = line.find(' ', at);
    if (end == std::string_view::npos)
      end = line.size();
    if (end > at)
      parts.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  if (!parts.empty()) {
    if (parts[0] == "MX-CLIENT")
      return peer_identity{peer_role::client, {}};
    if (parts[0] == "MX-SERVER")
      return peer_identity{peer_role::server, {}};
    if (parts[0] == "MX-SUBSCRIBER") {
      if (parts.size() < 3)
        return fail(errc::protocol_error,
                    "the peer is a subscriber without a subscription");
      return peer_identity{peer_role::subscriber, std::string{parts[2]}};
    }
  }
  return fail(errc::protocol_error, "the peer identified itself as \""
                                      + printable(line)
                                      + "\", which is no Halibut identity");
}

std::string format_identity(const peer_identity& x) {
  switch (x.role) {
  case peer_role::client:
    return "MX-CLIENT 1.0\r\n\r\n";
  case peer_role::server:
    return "MX-SERVER 1.0\r\n\r\n";
  case peer_role::subscriber:
    break;
  }
  return "MX-SUBSCRIBER 1.0 " + x.subscription + "\r\n\r\n";
}

std::string printable(std::string_view bytes) {
  constexpr std::size_t limit = 60;
  std::string result;
  for (auto c : bytes.substr(0, limit))
    result += c >= ' ' && c <= '~' ? c : '?';
  if (bytes.size() > limit)
    result += "...";
  return result;
}

} // namespace cuttle::halibut
