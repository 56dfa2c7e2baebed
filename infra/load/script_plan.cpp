#include "infra/load/script_plan.hpp"

#include <charconv>

namespace cuttle::load {

namespace {

constexpr std::string_view mark = "# cuttle-load ";

std::string seconds_text(std::chrono::milliseconds time) {
  auto rest = std::to_string(time.count() % 1000);
  return std::to_string(time.count() / 1000) + '.'
         + std::string(3 - rest.size(), '0') + rest;
}

// The number after `name=` in a line of such pairs.
std::optional<std::uint32_t> value_of(std::string_view line,
                                      std::string_view name) {
  auto wanted = ' ' + std::string{name} + '=';
  auto at = line.find(wanted);
  if (at == line.npos)
    return std::nullopt;
  auto text = line.substr(at + wanted.size());
  std::uint32_t result = 0;
  auto [end, error]
    = std::from_chars(text.data(), text.data() + text.size(), result);
  auto whole
    = error == std::errc{} && (end == text.data() + text.size() || *end == ' ');
  return whole ? std::optional{result} : std::nullopt;
}

} // namespace

std::string script_text(const script_plan& plan) {
  // (what stands between seconds and microseconds depends on the locale)
  const std::string now = "${EPOCHREALTIME/[^0-9]/}";
  std::string text = "#!/bin/bash\n";
  text += mark;
  text += "lines=" + std::to_string(plan.lines)
          + " bytes=" + std::to_string(plan.bytes)
          + " every=" + std::to_string(plan.every.count())
          + " sleep=" + std::to_string(plan.sleep.count()) + '\n';
  text += "echo \"load begin " + now + " $$-$RANDOM\"\n";
  if (plan.lines > 0) {
    text += "printf -v pad '%" + std::to_string(plan.bytes)
            + "s' ''\npad=${pad// /x}\n";
    text += "for ((i = 1; i <= " + std::to_string(plan.lines)
            + "; i++)); do\n  echo \"load $i " + now + " $pad\"\n";
    if (plan.every.count() > 0)
      text += "  sleep " + seconds_text(plan.every) + '\n';
    text += "done\n";
  }
  if (plan.sleep.count() > 0)
    text += "sleep " + seconds_text(plan.sleep) + '\n';
  return text + "echo \"load end " + now + "\"\n";
}

std::optional<script_plan> plan_of(std::string_view script) {
  auto at = script.find(mark);
  if (at == script.npos)
    return std::nullopt;
  auto line = script.substr(at);
  line = line.substr(0, line.find('\n'));
  auto lines = value_of(line, "lines");
  auto bytes = value_of(line, "bytes");
  auto every = value_of(line, "every");
  auto sleep = value_of(line, "sleep");
  if (!lines || !bytes || !every || !sleep)
    return std::nullopt;
  return script_plan{*lines, *bytes, std::chrono::milliseconds{*every},
                     std::chrono::milliseconds{*sleep}};
}

std::int64_t wall_micros() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
           std::chrono::system_clock::now().time_since_epoch())
    .count();
}

std::string begin_line(std::int64_t micros, std::uint64_t run) {
  return "load begin " + std::to_string(micros) + ' ' + std::to_string(run);
}

std::string numbered_line_text(const script_plan& plan, unsigned number,
                               std::int64_t micros) {
  return "load " + std::to_string(number) + ' ' + std::to_string(micros) + ' '
         + std::string(plan.bytes, 'x');
}

std::string end_line(std::int64_t micros) {
  return "load end " + std::to_string(micros);
}

} // namespace cuttle::load
