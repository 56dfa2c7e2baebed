#include "messages/actors.hpp"

#include <array>
#include <string_view>

namespace cuttle {

namespace {

constexpr std::array<std::string_view, 13> names{
  "none",       "cancelled",       "deadline_exceeded", "shutting_down",
  "overloaded", "invalid_request", "not_found",         "conflict",
  "forbidden",  "unavailable",     "protocol_error",    "io_error",
  "internal"};

static_assert(names.size() == static_cast<std::size_t>(errc::internal) + 1);

} // namespace

std::string to_string(errc x) {
  auto index = static_cast<std::size_t>(x);
  return std::string{index < names.size() ? names[index] : "unknown"};
}

bool from_string(caf::string_view text, errc& x) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == std::string_view{text.data(), text.size()}) {
      x = static_cast<errc>(i);
      return true;
    }
  }
  return false;
}

bool from_integer(std::uint8_t value, errc& x) {
  if (value >= names.size())
    return false;
  x = static_cast<errc>(value);
  return true;
}

} // namespace cuttle
