#include "infra/runner_link/wire.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <limits>
#include <netinet/in.h>

namespace cuttle::runner_link {

namespace {

/// Cuts the first word off `rest`; words are parted by single blanks.
std::string_view next_word(std::string_view& rest) {
  auto end = rest.find(' ');
  auto result = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return result;
}

std::optional<std::int64_t>
parse_number(std::string_view word, std::int64_t least, std::int64_t most) {
  std::int64_t result = 0;
  const auto* end = word.data() + word.size();
  auto [stop, error] = std::from_chars(word.data(), end, result);
  if (word.empty() || error != std::errc{} || stop != end || result < least
      || result > most)
    return std::nullopt;
  return result;
}

/// Room above, so that one more never overflows.
constexpr auto last_number = std::numeric_limits<std::int64_t>::max() - 1;

bool is_ip(const std::string& text, bool v6) {
  std::array<unsigned char, sizeof(in6_addr)> ignored;
  return ::inet_pton(v6 ? AF_INET6 : AF_INET, text.c_str(), ignored.data())
         == 1;
}

constexpr std::string_view names[] = {"from", "got", "ack"};

} // namespace

std::string format_address(const address& x) {
  auto v6 = x.ip.find(':') != std::string::npos;
  auto ip = v6 ? "[" + x.ip + "]" : x.ip;
  return "1 " + ip + ":" + std::to_string(x.port) + "\n";
}

std::optional<address> parse_address(std::string_view text) {
  auto line = text.substr(0, text.find('\n'));
  if (line.size() == text.size() || next_word(line) != "1")
    return std::nullopt;
  auto place = next_word(line);
  auto colon = place.rfind(':');
  if (colon == std::string_view::npos)
    return std::nullopt;
  auto port = parse_number(place.substr(colon + 1), 1, 65'535);
  auto host = place.substr(0, colon);
  auto v6 = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (v6)
    host = host.substr(1, host.size() - 2);
  address result{std::string{host},
                 static_cast<std::uint16_t>(port.value_or(0))};
  if (!port || !is_ip(result.ip, v6))
    return std::nullopt;
  return result;
}

std::string format_hello(std::int64_t first) {
  return "hello 1 " + std::to_string(first) + "\n";
}

outcome<std::size_t> hello_reader::feed(std::string_view bytes) {
  if (done_ || bytes.empty())
    return 0u;
  auto end = bytes.find('\n');
  auto taken = end == std::string_view::npos ? bytes.size() : end + 1;
  if (line_.size() + taken > longest_control)
    return fail(errc::protocol_error, "the runner's hello is longer than "
                                        + std::to_string(longest_control)
                                        + " bytes");
  line_ += bytes.substr(0, end);
  if (end == std::string_view::npos)
    return taken;
  std::string_view rest = line_;
  auto word = next_word(rest);
  auto version = parse_number(next_word(rest), 1, last_number);
  auto first = parse_number(next_word(rest), 1, last_number);
  if (word != "hello" || !version || !first)
    return fail(errc::protocol_error,
                "the runner did not begin with hello, its version and the "
                "number of a line");
  first_ = *first;
  done_ = true;
  return taken;
}

void append_order(std::string& out, const order& x) {
  out += names[static_cast<std::size_t>(x.what)];
  out += ' ';
  out += std::to_string(x.number);
  out += '\n';
}

outcome<void>
order_reader::feed(std::string_view bytes,
                   const std::function<void(const order&)>& take) {
  while (!bytes.empty()) {
    auto end = bytes.find('\n');
    auto piece = bytes.substr(0, end);
    if (rest_.size() + piece.size() >= longest_control)
      return fail(errc::protocol_error, "the worker sent a line longer than "
                                          + std::to_string(longest_control)
                                          + " bytes");
    rest_ += piece;
    if (end == std::string_view::npos)
      return {};
    bytes.remove_prefix(end + 1);
    std::string_view rest = rest_;
    auto word = next_word(rest);
    const auto* name = std::find(std::begin(names), std::end(names), word);
    if (name != std::end(names)) {
      auto number = parse_number(next_word(rest), 0, last_number);
      if (!number)
        return fail(errc::protocol_error, "the worker sent \""
                                            + std::string{word}
                                            + "\" without a number");
      take({static_cast<order::kind>(name - std::begin(names)), *number});
    }
    rest_.clear();
  }
  return {};
}

} // namespace cuttle::runner_link
