#include "infra/settings/environment_reader.hpp"

#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

#include "infra/crypto/text_encoding.hpp"
#include "infra/tentacle/time_text.hpp"

namespace cuttle::settings {

namespace {

constexpr std::size_t max_quoted_bytes = 60;

bool white(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

std::string lower(std::string_view text) {
  std::string result{text};
  for (auto& c : result)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return result;
}

struct size_unit {
  std::string_view suffix;
  unsigned shift;
};

constexpr size_unit size_units[] = {{"Ki", 10}, {"Mi", 20}, {"Gi", 30}};

std::optional<std::uint64_t> parse_bytes(std::string_view text) {
  unsigned shift = 0;
  for (auto& unit : size_units)
    if (text.ends_with(unit.suffix)) {
      text.remove_suffix(unit.suffix.size());
      shift = unit.shift;
    }
  auto number = parse_number(text);
  if (!number || *number > std::numeric_limits<std::uint64_t>::max() >> shift)
    return std::nullopt;
  return *number << shift;
}

} // namespace

std::string in_quotes(std::string_view value) {
  std::string result{'\''};
  result += crypto::sanitise_utf8(value.substr(0, max_quoted_bytes));
  result += value.size() > max_quoted_bytes ? "…'" : "'";
  return result;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && white(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && white(text.back()))
    text.remove_suffix(1);
  return text;
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
  text = trimmed(text);
  std::uint64_t result = 0;
  auto* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, result);
  if (error != std::errc{} || stop != end)
    return std::nullopt;
  return result;
}

std::optional<bool> parse_boolean(std::string_view text) {
  auto word = lower(trimmed(text));
  if (word == "true")
    return true;
  if (word == "false")
    return false;
  return std::nullopt;
}

std::optional<std::string> environment_reader::text(const std::string& name) {
  auto value = env_(name);
  if (!value || trimmed(*value).empty())
    return std::nullopt;
  return value;
}

std::string environment_reader::text_or(const std::string& name,
                                        std::string fallback) {
  return text(name).value_or(std::move(fallback));
}

std::string environment_reader::required(const std::string& name,
                                         std::string_view purpose) {
  if (auto value = text(name))
    return *value;
  std::string line = "Unable to determine ";
  line += purpose;
  line += ". The environment variable '" + name
          + "' must be defined with a non-null value. The Helm chart sets it; "
            "install the worker with the chart, or set it in the deployment.";
  errors.push_back({name, std::move(line)});
  return {};
}

std::vector<std::string> environment_reader::list(const std::string& name) {
  std::vector<std::string> result;
  auto value = text(name).value_or(std::string{});
  std::string_view rest = value;
  while (!rest.empty()) {
    auto comma = rest.find(',');
    auto part = trimmed(rest.substr(0, comma));
    if (!part.empty())
      result.emplace_back(part);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size()
                                                       : comma + 1);
  }
  return result;
}

std::optional<std::string> environment_reader::json(const std::string& name) {
  auto value = text(name);
  if (!value || nlohmann::json::accept(*value))
    return value;
  warn(name, *value, "JSON", "the default");
  return std::nullopt;
}

bool environment_reader::boolean(const std::string& name, bool fallback) {
  auto value = text(name);
  if (!value)
    return fallback;
  if (auto parsed = parse_boolean(*value))
    return *parsed;
  warn(name, *value, "true or false", fallback ? "true" : "false");
  return fallback;
}

std::optional<std::uint64_t>
environment_reader::find_number(const std::string& name, std::uint64_t min,
                                std::uint64_t max, std::string_view fallback) {
  auto value = text(name);
  if (!value)
    return std::nullopt;
  auto parsed = parse_number(*value);
  if (parsed && *parsed >= min && *parsed <= max)
    return parsed;
  warn(name, *value,
       "a number from " + std::to_string(min) + " to " + std::to_string(max),
       fallback);
  return std::nullopt;
}

void environment_reader::bytes(const std::string& name, std::size_t min,
                               std::size_t max, std::size_t& value) {
  auto found = text(name);
  if (!found)
    return;
  auto parsed = parse_bytes(trimmed(*found));
  if (parsed && *parsed >= min && *parsed <= max)
    value = *parsed;
  else
    warn(name, *found,
         "a number of bytes from " + std::to_string(min) + " to "
           + std::to_string(max) + " (Ki, Mi and Gi are allowed)",
         std::to_string(value));
}

void environment_reader::time_span(const std::string& name,
                                   std::chrono::milliseconds& value) {
  using namespace std::chrono;
  // Enough for every purpose, and far from any overflow.
  constexpr std::uint64_t max_days = 3650;
  auto found = text(name);
  if (!found)
    return;
  std::optional<milliseconds> parsed;
  if (auto whole_days = parse_number(*found)) {
    if (*whole_days <= max_days)
      parsed = days{*whole_days};
  } else if (auto span = tentacle::parse_time_span(trimmed(*found))) {
    if (*span <= days{max_days})
      parsed = ceil<milliseconds>(*span);
  }
  if (parsed && *parsed > milliseconds::zero())
    value = *parsed;
  else
    warn(name, *found,
         "a time span such as 02:00:00 or 1.00:00:00 (days.hours:minutes:"
         "seconds)",
         tentacle::to_time_span(value));
}

void environment_reader::warn(const std::string& name, std::string_view value,
                              std::string_view expected,
                              std::string_view fallback) {
  std::string line = in_quotes(value);
  line += " is not ";
  line += expected;
  line += "; using ";
  line += fallback;
  warn(name, std::move(line));
}

void environment_reader::warn(const std::string& name, std::string line) {
  warnings.push_back({name, std::move(line)});
}

} // namespace cuttle::settings
