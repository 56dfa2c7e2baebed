#include "infra/telemetry/log.hpp"

#include <atomic>
#include <cstdio>
#include <memory>
#include <mutex>
#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace cuttle::telemetry {

namespace {

using settings::log_level;

// Lines that wait for the sink; beyond that the oldest are overwritten. Each
// place takes 0.4 KiB from the start on, used or not. Nothing is logged for an
// operation that goes well, so this is one line for each of 2,000 that do not,
// all at once.
constexpr std::size_t queue_lines = 2048;

std::mutex start_mutex;
std::shared_ptr<spdlog::logger> owner;
std::atomic<spdlog::logger*> current = nullptr;

spdlog::level::level_enum to_spdlog(log_level level) {
  switch (level) {
  case log_level::trace:
    return spdlog::level::trace;
  case log_level::debug:
    return spdlog::level::debug;
  case log_level::info:
    return spdlog::level::info;
  case log_level::warn:
    return spdlog::level::warn;
  case log_level::error:
    return spdlog::level::err;
  case log_level::off:
    break;
  }
  return spdlog::level::off;
}

bool plain(std::string_view value) {
  for (char c : value)
    if (static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '='
        || c == '\\' || c == 0x7f)
      return false;
  return !value.empty();
}

void append_value(std::string& out, std::string_view value) {
  if (plain(value)) {
    out += value;
    return;
  }
  out += '"';
  for (char c : value) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      char escape[5];
      std::snprintf(escape, sizeof(escape), "\\x%02x", byte);
      out += escape;
    } else {
      out += c;
    }
  }
  out += '"';
}

} // namespace

void start_logging(log_level level) {
  std::lock_guard lock{start_mutex};
  if (owner)
    return;
  spdlog::init_thread_pool(queue_lines, 1);
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  owner = std::make_shared<spdlog::async_logger>(
    "cuttle", std::move(sink), spdlog::thread_pool(),
    spdlog::async_overflow_policy::overrun_oldest);
  owner->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v",
                     spdlog::pattern_time_type::utc);
  owner->set_level(to_spdlog(level));
  owner->flush_on(spdlog::level::warn);
  current = owner.get();
}

void stop_logging() {
  std::lock_guard lock{start_mutex};
  if (!owner)
    return;
  // Other threads may still hold the raw pointer for a moment; the logger
  // itself stays until the process ends, only its thread pool goes.
  current = nullptr;
  owner->flush();
  static std::shared_ptr<spdlog::logger> retired;
  retired = std::move(owner);
  spdlog::shutdown();
}

bool enabled(log_level level) {
  if (auto* logger = current.load())
    return logger->should_log(to_spdlog(level));
  return level >= log_level::warn && level != log_level::off;
}

void log(log_level level, std::string_view event,
         std::initializer_list<field> fields) {
  if (!enabled(level))
    return;
  std::string line{event};
  for (auto& f : fields) {
    line += ' ';
    line += f.name;
    line += '=';
    append_value(line, f.value);
  }
  if (auto* logger = current.load())
    logger->log(to_spdlog(level), spdlog::string_view_t{line});
  else
    std::fprintf(stderr, "%s\n", line.c_str());
}

} // namespace cuttle::telemetry
