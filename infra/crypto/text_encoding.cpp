#include "infra/crypto/text_encoding.hpp"

#include <algorithm>
#include <cstring>

namespace cuttle::crypto {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";

// One step of a decoder: how many bytes belong together, and whether they are
// a character.
struct utf8_unit {
  std::size_t size;
  bool valid;
};

// The bounds for the second byte exclude overlong forms, surrogates and what
// is beyond U+10FFFF (table 3-7 of the Unicode standard).
utf8_unit next_unit(std::string_view text) {
  auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  auto lead = at(0);
  if (lead < 0x80)
    return {1, true};
  std::size_t size = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF)
    size = 2;
  else if (lead >= 0xE0 && lead <= 0xEF)
    size = 3;
  else if (lead >= 0xF0 && lead <= 0xF4)
    size = 4;
  else
    return {1, false};
  if (lead == 0xE0)
    low = 0xA0;
  else if (lead == 0xED)
    high = 0x9F;
  else if (lead == 0xF0)
    low = 0x90;
  else if (lead == 0xF4)
    high = 0x8F;
  for (std::size_t i = 1; i < size; ++i) {
    if (i == text.size() || at(i) < low || at(i) > high)
      return {i, false};
    low = 0x80;
    high = 0xBF;
  }
  return {size, true};
}

// Number of leading ASCII bytes, counted in words: most text is ASCII.
std::size_t ascii_prefix(std::string_view text) {
  std::size_t i = 0;
  std::uint64_t word;
  for (; i + sizeof(word) <= text.size(); i += sizeof(word)) {
    std::memcpy(&word, text.data() + i, sizeof(word));
    if ((word & 0x8080808080808080u) != 0)
      break;
  }
  while (i < text.size() && static_cast<unsigned char>(text[i]) < 0x80)
    ++i;
  return i;
}

// Offset of the first ill-formed byte, or the size.
std::size_t valid_prefix(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    i += ascii_prefix(text.substr(i));
    if (i == text.size())
      break;
    auto unit = next_unit(text.substr(i));
    if (!unit.valid)
      break;
    i += unit.size;
  }
  return i;
}

std::uint32_t read_unit(byte_span data, std::size_t size, bool big_endian) {
  std::uint32_t result = 0;
  for (std::size_t i = 0; i < size; ++i)
    result = (result << 8) | data[big_endian ? i : size - 1 - i];
  return result;
}

std::string decode_utf16(byte_span data, bool big_endian) {
  std::string result;
  result.reserve(data.size());
  while (data.size() >= 2) {
    auto unit = read_unit(data, 2, big_endian);
    data = data.subspan(2);
    if (unit >= 0xD800 && unit <= 0xDBFF && data.size() >= 2) {
      auto low = read_unit(data, 2, big_endian);
      if (low >= 0xDC00 && low <= 0xDFFF) {
        unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        data = data.subspan(2);
      }
    }
    append_utf8(result, unit);
  }
  if (!data.empty())
    result += replacement;
  return result;
}

std::string decode_utf32(byte_span data, bool big_endian) {
  std::string result;
  result.reserve(data.size());
  while (data.size() >= 4) {
    append_utf8(result, read_unit(data, 4, big_endian));
    data = data.subspan(4);
  }
  if (!data.empty())
    result += replacement;
  return result;
}

bool starts_with(byte_span data, std::initializer_list<std::uint8_t> mark) {
  return data.size() >= mark.size()
         && std::equal(mark.begin(), mark.end(), data.begin());
}

} // namespace

void append_utf8(std::string& out, char32_t code_point) {
  auto add = [&out](char32_t byte) { out += static_cast<char>(byte); };
  if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) {
    out += replacement;
  } else if (code_point < 0x80) {
    add(code_point);
  } else if (code_point < 0x800) {
    add(0xC0 | (code_point >> 6));
    add(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    add(0xE0 | (code_point >> 12));
    add(0x80 | ((code_point >> 6) & 0x3F));
    add(0x80 | (code_point & 0x3F));
  } else {
    add(0xF0 | (code_point >> 18));
    add(0x80 | ((code_point >> 12) & 0x3F));
    add(0x80 | ((code_point >> 6) & 0x3F));
    add(0x80 | (code_point & 0x3F));
  }
}

bool valid_utf8(std::string_view text) {
  return valid_prefix(text) == text.size();
}

std::string sanitise_utf8(std::string_view text) {
  auto good = valid_prefix(text);
  std::string result{text.substr(0, good)};
  text.remove_prefix(good);
  while (!text.empty()) {
    auto unit = next_unit(text);
    result += unit.valid ? text.substr(0, unit.size) : replacement;
    text.remove_prefix(unit.size);
  }
  return result;
}

std::string decode_text(byte_span contents) {
  if (starts_with(contents, {0xFF, 0xFE, 0x00, 0x00}))
    return decode_utf32(contents.subspan(4), false);
  if (starts_with(contents, {0x00, 0x00, 0xFE, 0xFF}))
    return decode_utf32(contents.subspan(4), true);
  if (starts_with(contents, {0xFF, 0xFE}))
    return decode_utf16(contents.subspan(2), false);
  if (starts_with(contents, {0xFE, 0xFF}))
    return decode_utf16(contents.subspan(2), true);
  if (starts_with(contents, {0xEF, 0xBB, 0xBF}))
    contents = contents.subspan(3);
  return sanitise_utf8(
    {reinterpret_cast<const char*>(contents.data()), contents.size()});
}

} // namespace cuttle::crypto
