#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace cuttle::load {

/// What a line of a load's script says of itself.
struct load_line {
  enum class kind : std::uint8_t { begin, numbered, end };
  kind what = kind::begin;
  /// Of a numbered line, from 1.
  std::uint32_t number = 0;
  /// When it was printed, in microseconds since 1970.
  std::int64_t printed = 0;
};

/// Reads a line of a task log; nothing when the load's script did not print it.
std::optional<load_line> read_load_line(std::string_view text);

/// Follows the output of one operation and says what of it is missing, came
/// twice or came out of order. Holds one bit a line. One thread at a time.
class output_check {
public:
  /// `expected` numbered lines.
  explicit output_check(std::uint32_t expected) : seen_(expected, false) {}

  void add(const load_line& line);

  /// Numbered lines that never came, and the begin or end if it did not.
  std::uint64_t lost() const;

  /// Lines that came once more, or that the script can not have printed.
  std::uint64_t doubled() const {
    return doubled_;
  }

  /// Lines that came after one that was printed later.
  std::uint64_t disordered() const {
    return disordered_;
  }

  /// How many times the script began, by what arrived.
  unsigned begins() const {
    return begins_;
  }

  /// When the script ended, by its own account.
  std::optional<std::int64_t> ended_at() const {
    return ended_at_;
  }

private:
  std::vector<bool> seen_;
  std::uint64_t count_ = 0;
  std::uint64_t doubled_ = 0;
  std::uint64_t disordered_ = 0;
  std::uint32_t last_ = 0;
  unsigned begins_ = 0;
  std::optional<std::int64_t> ended_at_;
};

} // namespace cuttle::load
