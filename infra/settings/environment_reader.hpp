#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "infra/settings/settings.hpp"

namespace cuttle::settings {

/// Cuts a value from outside for a message: at most 60 bytes, in quotes.
std::string in_quotes(std::string_view value);

/// Removes white space at both ends.
std::string_view trimmed(std::string_view text);

/// A whole number without sign, and nothing else in the text.
std::optional<std::uint64_t> parse_number(std::string_view text);

/// `true` or `false` in any case [CFG-09].
std::optional<bool> parse_boolean(std::string_view text);

/// The host of a proxy that was given as a name or as a URL, whose scheme and
/// port do not count (`install-and-register` 7).
std::string proxy_host(std::string_view text);

/// Reads typed values from the environment and notes one line for each that is
/// wrong. A variable that is unset or blank is never wrong.
class environment_reader {
public:
  explicit environment_reader(const environment& env) : env_(env) {}

  /// The value if it is not blank, as it is.
  std::optional<std::string> text(const std::string& name);
  std::string text_or(const std::string& name, std::string fallback);

  /// An error unless set; `purpose` says what for.
  std::string required(const std::string& name, std::string_view purpose);

  /// Comma-separated, trimmed, without blank parts.
  std::vector<std::string> list(const std::string& name);

  /// JSON text; other text is a warning and counts as not set.
  std::optional<std::string> json(const std::string& name);

  bool boolean(const std::string& name, bool fallback);

  /// A number from `min` to `max`.
  std::optional<std::uint64_t> find_number(const std::string& name,
                                           std::uint64_t min, std::uint64_t max,
                                           std::string_view fallback);

  /// The same with a default, which the message names.
  template <class T>
  void number(const std::string& name, std::uint64_t min, std::uint64_t max,
              T& value) {
    if (auto found = find_number(name, min, max, std::to_string(value)))
      value = static_cast<T>(*found);
  }

  /// Bytes, with `Ki`, `Mi` or `Gi` if wanted.
  void bytes(const std::string& name, std::size_t min, std::size_t max,
             std::size_t& value);

  /// A .NET TimeSpan or a number of days, longer than zero.
  void time_span(const std::string& name, std::chrono::milliseconds& value);

  /// `'<value>' is not <expected>; using <fallback>`, without the variable.
  void warn(const std::string& name, std::string_view value,
            std::string_view expected, std::string_view fallback);

  void warn(const std::string& name, std::string text);

  std::vector<problem> errors;
  std::vector<problem> warnings;

private:
  const environment& env_;
};

/// Reads the limits of the wire; see docs/settings.md.
void read_wire(environment_reader& in, halibut::limits& out);

} // namespace cuttle::settings
