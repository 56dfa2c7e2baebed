#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "messages/script.hpp"

namespace cuttle {

/// Remembers how tickets ended, so that a late StartScript starts nothing a
/// second time (tentacle-services 16.1). Bounded in number and age. Pure.
class tombstones {
public:
  static constexpr std::size_t most = 10'000;

  struct stone {
    std::int32_t exit_code = 0;
    /// Lines that explain an end that the server does not know yet.
    std::vector<output_line> lines;
    timestamp until;
  };

  void add(const script_ticket& ticket, stone value);

  /// The stone, unless it is too old.
  const stone* find(const script_ticket& ticket, timestamp now) const;

  void erase(const script_ticket& ticket);

private:
  std::map<std::string, stone> stones_;
  std::deque<std::string> order_;
};

} // namespace cuttle
