#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <vector>

#include "infra/crypto/text_encoding.hpp"
#include "infra/podlog/frame.hpp"
#include "infra/podlog/gcm.hpp"

namespace cuttle::podlog {

namespace {

using parse_result = std::variant<parsed_line, damaged_line>;

// What a container runtime stores as one part of a longer line.
constexpr std::size_t part_size = 16 * 1024;

// A quoted line in a message is cut here.
constexpr std::size_t longest_quote = 16 * 1024;

// Value of a hex digit; 255 for other characters.
constexpr auto hex_values = [] {
  std::array<std::uint8_t, 256> result{};
  result.fill(255);
  for (std::uint8_t i = 0; i < 10; ++i)
    result['0' + i] = i;
  for (std::uint8_t i = 0; i < 6; ++i) {
    result['a' + i] = static_cast<std::uint8_t>(10 + i);
    result['A' + i] = static_cast<std::uint8_t>(10 + i);
  }
  return result;
}();

std::uint8_t hex_value(char c) {
  return hex_values[static_cast<unsigned char>(c)];
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

std::string quoted(std::string_view line) {
  std::string result;
  result += '\'';
  result += crypto::sanitise_utf8(line.substr(0, longest_quote));
  if (line.size() > longest_quote)
    result += "… (" + std::to_string(line.size()) + " bytes)";
  result += '\'';
  return result;
}

std::string about(const char* what, std::string_view value,
                  std::string_view line) {
  return std::string{"Pod log "} + what + " " + quoted(value)
         + " is invalid: " + quoted(line);
}

std::optional<output_source> parse_source(std::string_view text) {
  auto is = [text](std::string_view name) {
    return std::equal(text.begin(), text.end(), name.begin(), name.end(),
                      [](char x, char y) {
                        return x == y || (x >= 'A' && x <= 'Z' && x + 32 == y);
                      });
  };
  if (is("stdout"))
    return output_source::out;
  if (is("stderr"))
    return output_source::err;
  if (is("debug"))
    return output_source::debug;
  return std::nullopt;
}

template <class Integer>
std::optional<Integer> parse_integer(std::string_view text) {
  Integer result = 0;
  const auto* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, result);
  if (error != std::errc{} || stop != end)
    return std::nullopt;
  return result;
}

// Length of a time stamp and a blank at the start of `text`, else 0.
std::size_t stamp_size(std::string_view text) {
  auto blank = text.substr(0, 48).find(' ');
  if (blank == std::string_view::npos || !parse_time(text.substr(0, blank)))
    return 0;
  return blank + 1;
}

// Decodes pairs of digits up to the first pair that is none, or an odd end;
// returns the number of characters.
std::size_t decode_pairs(std::string_view text,
                         std::vector<std::uint8_t>& out) {
  out.resize(text.size() / 2);
  std::size_t count = 0;
  for (; count < out.size(); ++count) {
    auto high = hex_value(text[2 * count]);
    auto low = hex_value(text[2 * count + 1]);
    if (((high | low) & 0xF0) != 0)
      break;
    out[count] = static_cast<std::uint8_t>(high << 4 | low);
  }
  out.resize(count);
  return 2 * count;
}

// Decodes hex. A character that is none can only be the first dash of a time
// stamp at a part boundary, whose year has been taken for hex [LOG-09].
bool decode(std::string_view text, std::vector<std::uint8_t>& out) {
  constexpr std::size_t year_size = 4;
  // (nearly always all of it)
  auto begin = decode_pairs(text, out);
  std::uint8_t high = 0;
  auto half = false;
  auto digits = begin;
  for (auto i = begin; i < text.size();) {
    auto value = hex_value(text[i]);
    if (value != 255) {
      if (half)
        out.push_back(static_cast<std::uint8_t>(high << 4 | value));
      high = value;
      half = !half;
      ++digits;
      ++i;
      continue;
    }
    // Take the year back, which has an even number of digits.
    if (text[i] != '-' || digits < year_size + (half ? 1 : 0))
      return false;
    auto size = stamp_size(text.substr(i - year_size));
    if (size == 0)
      return false;
    if (half)
      high = hex_value(text[i - year_size - 1]);
    out.erase(out.end() - year_size / 2, out.end());
    digits = 0;
    i += size - year_size;
  }
  return !half;
}

// The text of a legacy line without the time stamps at its part boundaries;
// `head` bytes of the first part come before it.
std::string without_stamps(std::string_view text, std::size_t head) {
  if (head >= part_size)
    return std::string{text};
  std::string result;
  auto room = part_size - head;
  while (text.size() > room) {
    result += text.substr(0, room);
    text.remove_prefix(room);
    text.remove_prefix(stamp_size(text));
    room = part_size;
  }
  result += text;
  return result;
}

void make_valid_utf8(std::string& text) {
  if (!crypto::valid_utf8(text))
    text = crypto::sanitise_utf8(text);
}

} // namespace

struct line_parser::impl {
  explicit impl(const crypto::log_key& key)
    : cipher(key.value, gcm::use::opening) {}

  // Cuts `line` into its parts and checks them in the order of [LOG-06].
  parse_result parse(std::string_view line) {
    auto bad_delimiter = [line] {
      return damaged_line{"Pod log line is not correctly pipe-delimited: "
                            + quoted(line),
                          0, parse_time(line.substr(0, line.find(' ')))};
    };
    auto bar = line.find('|');
    if (bar == std::string_view::npos)
      return bad_delimiter();
    auto time_text = trimmed(line.substr(0, bar));
    auto rest = line.substr(bar + 1);
    auto encrypted = rest.substr(0, 2) == "e|";
    if (encrypted)
      rest.remove_prefix(2);
    auto second = rest.find('|');
    auto third
      = second == std::string_view::npos ? second : rest.find('|', second + 1);
    if (third == std::string_view::npos)
      return bad_delimiter();
    auto number_text = rest.substr(0, second);
    auto source_text = rest.substr(second + 1, third - second - 1);
    rest.remove_prefix(third + 1);
    damaged_line damage;
    damage.occurred = parse_time(time_text);
    if (!damage.occurred) {
      damage.message = about("timestamp", time_text, line);
      return damage;
    }
    auto number = parse_integer<std::int32_t>(number_text);
    if (!number || *number < 1) {
      damage.message = about("line number", number_text, line);
      return damage;
    }
    damage.number = *number;
    auto source = parse_source(source_text);
    if (!source) {
      damage.message = about("level", source_text, line);
      return damage;
    }
    parsed_line result;
    result.line.number = *number;
    result.line.line.source = *source;
    result.line.line.occurred = *damage.occurred;
    auto& text = result.line.line.text;
    if (encrypted) {
      if (!decode(rest, sealed) || !cipher.open(sealed, text)) {
        damage.message = "Pod log line can not be decrypted: " + quoted(line);
        return damage;
      }
    } else {
      auto content = line.find(' ') + 1;
      auto text_at = static_cast<std::size_t>(rest.data() - line.data());
      text = without_stamps(rest, text_at - content);
    }
    make_valid_utf8(text);
    if (!read_marker(text, *source, result.exit_code)) {
      damage.message
        = "Pod log end of stream marker is invalid: " + quoted(line);
      return damage;
    }
    return result;
  }

  // Returns false for a broken marker.
  static bool read_marker(std::string_view text, output_source source,
                          std::optional<std::int32_t>& exit_code) {
    constexpr std::string_view separator = "<<>>";
    if (text.substr(0, end_marker_id.size()) != end_marker_id)
      return true;
    text.remove_prefix(end_marker_id.size());
    if (text.substr(0, separator.size()) != separator)
      return false;
    auto code = parse_integer<std::int32_t>(text.substr(separator.size()));
    if (code && source == output_source::debug)
      exit_code = code;
    return code.has_value();
  }

  gcm cipher;
  std::vector<std::uint8_t> sealed;
};

line_parser::line_parser(const crypto::log_key& key)
  : impl_(std::make_unique<impl>(key)) {}

line_parser::~line_parser() = default;
line_parser::line_parser(line_parser&&) noexcept = default;
line_parser& line_parser::operator=(line_parser&&) noexcept = default;

std::variant<parsed_line, damaged_line>
line_parser::parse(std::string_view line) {
  return impl_->parse(line);
}

std::variant<parsed_line, damaged_line> parse_line(std::string_view line,
                                                   const crypto::log_key& key) {
  return line_parser{key}.parse(line);
}

} // namespace cuttle::podlog
