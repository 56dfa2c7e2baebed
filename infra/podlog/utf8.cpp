#include <cstring>

#include "infra/podlog/frame.hpp"

namespace cuttle::podlog {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

// Number of leading bytes that are ASCII.
std::size_t ascii_prefix(std::string_view text) {
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + i, 8);
    if ((word & 0x8080808080808080u) != 0)
      break;
  }
  while (i < text.size() && static_cast<unsigned char>(text[i]) < 0x80)
    ++i;
  return i;
}

struct piece {
  // At least 1.
  std::size_t size;
  bool good;
};

// The character at the start of `text`, which is not ASCII, or the longest
// beginning of one (Unicode 15, table 3-7).
piece first_character(std::string_view text) {
  auto at = [text](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  auto lead = at(0);
  std::size_t length = 0;
  unsigned low = 0x80;
  unsigned high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0)
      low = 0xA0;
    if (lead == 0xED)
      high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0)
      low = 0x90;
    if (lead == 0xF4)
      high = 0x8F;
  } else {
    return {1, false};
  }
  if (at(1) < low || at(1) > high)
    return {1, false};
  for (std::size_t i = 2; i < length; ++i)
    if (at(i) < 0x80 || at(i) > 0xBF)
      return {i, false};
  return {length, true};
}

// Number of leading bytes that are valid UTF-8.
std::size_t valid_prefix(std::string_view text) {
  std::size_t i = 0;
  for (;;) {
    i += ascii_prefix(text.substr(i));
    if (i == text.size())
      return i;
    auto next = first_character(text.substr(i));
    if (!next.good)
      return i;
    i += next.size;
  }
}

} // namespace

bool valid_utf8(std::string_view bytes) {
  return valid_prefix(bytes) == bytes.size();
}

std::string sanitise_utf8(std::string_view bytes) {
  std::string result;
  result.reserve(bytes.size());
  while (!bytes.empty()) {
    auto good = valid_prefix(bytes);
    result += bytes.substr(0, good);
    bytes.remove_prefix(good);
    if (bytes.empty())
      break;
    result += replacement;
    bytes.remove_prefix(first_character(bytes).size);
  }
  return result;
}

} // namespace cuttle::podlog
