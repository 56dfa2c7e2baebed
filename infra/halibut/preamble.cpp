#include "infra/halibut/preamble.hpp"

#include <string>

namespace cuttle::halibut {

outcome<std::size_t>
preamble_reader::feed(std::span<const std::uint8_t> bytes) {
  std::size_t taken = 0;
  while (taken < bytes.size() && !done_) {
    if (bytes_ >= limit_)
      return fail(errc::protocol_error, "no blank line within the first "
                                          + std::to_string(limit_) + " bytes");
    auto c = static_cast<char>(bytes[taken++]);
    ++bytes_;
    if (c == '\r')
      continue;
    if (characters_ == 0)
      first_ = c;
    else if (characters_ == 1)
      second_ = c;
    ++characters_;
    done_ = c == '\n' && after_line_feed_;
    after_line_feed_ = c == '\n';
  }
  return taken;
}

std::string_view probe_page() {
  static const auto page = [] {
    std::string body = "<html><body><p>A Halibut port: connect a polling "
                       "worker, not a browser.</p></body></html>\r\n";
    return "HTTP/1.0 200 OK\r\n"
           "Content-Type: text/html; charset=utf-8\r\n"
           "Content-Length: "
           + std::to_string(body.size()) + "\r\n\r\n" + body;
  }();
  return page;
}

} // namespace cuttle::halibut
