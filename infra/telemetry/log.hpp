#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

#include "infra/settings/log_level.hpp"

namespace cuttle::telemetry {

/// One field of a log line. Values are quoted where needed; control characters
/// are escaped, so that one event is always one line.
struct field {
  std::string_view name;
  std::string value;

  field(std::string_view n, std::string v) : name(n), value(std::move(v)) {}
  field(std::string_view n, std::string_view v) : name(n), value(v) {}
  field(std::string_view n, const char* v) : name(n), value(v) {}
  template <class T>
    requires std::is_arithmetic_v<T> field(std::string_view n, T v)
      : name(n), value(std::to_string(v)) {}
};

/// Starts logging: one asynchronous sink to standard error with a bounded queue
/// (when a terminal hangs the oldest lines are dropped, and a line says how
/// many). Call once,
/// before any thread logs; without it lines below `warn` are dropped and the
/// others go to standard error directly.
void start_logging(settings::log_level level);

/// Writes what is queued and ends the sink's thread.
void stop_logging();

/// Whether lines of that level are written.
bool enabled(settings::log_level level);

/// Writes `<time> <level> <event> name=value …`. `event` is a stable name in
/// kebab-case; tests and operators rely on it. Thread-safe, does not block.
void log(settings::log_level level, std::string_view event,
         std::initializer_list<field> fields = {});

inline void debug(std::string_view event,
                  std::initializer_list<field> fields = {}) {
  log(settings::log_level::debug, event, fields);
}
inline void info(std::string_view event,
                 std::initializer_list<field> fields = {}) {
  log(settings::log_level::info, event, fields);
}
inline void warn(std::string_view event,
                 std::initializer_list<field> fields = {}) {
  log(settings::log_level::warn, event, fields);
}
inline void error(std::string_view event,
                  std::initializer_list<field> fields = {}) {
  log(settings::log_level::error, event, fields);
}

} // namespace cuttle::telemetry
