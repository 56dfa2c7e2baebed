#include "infra/telemetry/log.hpp"

// Nobody else uses spdlog, and Debian has it and fmt as shared libraries only:
// all of it is compiled here.
#undef SPDLOG_COMPILED_LIB
#undef SPDLOG_SHARED_LIB
#undef FMT_SHARED
#define FMT_HEADER_ONLY 1

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <deque>
#include <memory>
#include <mutex>
#include <pthread.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <thread>
#include <utility>

namespace cuttle::telemetry {

namespace {

using settings::log_level;

// Lines that wait for the sink; beyond that the oldest are dropped. Nothing is
// logged for an operation that goes well, so this is one line for each of 2,000
// that do not, all at once.
constexpr std::size_t queue_lines = 2048;

std::mutex start_mutex;

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

// A thread of its own writes the lines, for a terminal or pipe may hang.
// (spdlog's own queue takes 0.4 KiB for each place from the start on, used or
// not.)
class line_writer {
public:
  explicit line_writer(log_level level)
    : level_(to_spdlog(level)),
      logger_("cuttle", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger_.set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v",
                        spdlog::pattern_time_type::utc);
    logger_.set_level(level_);
    logger_.flush_on(spdlog::level::warn);
    // Signals are for threads that wait for them, from the first moment on.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread{[this] { run(); }};
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  ~line_writer() {
    if (thread_.joinable())
      stop();
  }

  line_writer(const line_writer&) = delete;
  line_writer& operator=(const line_writer&) = delete;

  bool takes(log_level level) const {
    return to_spdlog(level) >= level_ && level != log_level::off;
  }

  void add(log_level level, std::string text) {
    std::lock_guard lock{mutex_};
    if (lines_.size() == queue_lines) {
      lines_.pop_front();
      ++dropped_;
    }
    lines_.push_back(
      {spdlog::log_clock::now(), to_spdlog(level), std::move(text)});
    changed_.notify_one();
  }

  /// Writes what is queued and ends the thread; what is added afterwards is
  /// dropped.
  void stop() {
    {
      std::lock_guard lock{mutex_};
      stopping_ = true;
      changed_.notify_one();
    }
    thread_.join();
  }

private:
  struct line {
    spdlog::log_clock::time_point time;
    spdlog::level::level_enum level;
    std::string text;
  };

  void run() {
    pthread_setname_np(pthread_self(), "log");
    std::unique_lock lock{mutex_};
    for (;;) {
      changed_.wait(lock, [this] { return stopping_ || !lines_.empty(); });
      auto lines = std::exchange(lines_, {});
      auto dropped = std::exchange(dropped_, 0);
      auto last = stopping_;
      lock.unlock();
      write(lines, dropped);
      if (last)
        return;
      lock.lock();
    }
  }

  void write(const std::deque<line>& lines, std::size_t dropped) {
    for (auto& x : lines)
      logger_.log(x.time, spdlog::source_loc{}, x.level,
                  spdlog::string_view_t{x.text});
    if (dropped > 0)
      logger_.log(spdlog::level::warn,
                  spdlog::string_view_t{"log-lines-dropped count="
                                        + std::to_string(dropped)});
    logger_.flush();
  }

  const spdlog::level::level_enum level_;
  spdlog::logger logger_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<line> lines_;
  std::size_t dropped_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

std::unique_ptr<line_writer> owner;
std::atomic<line_writer*> current = nullptr;

} // namespace

void start_logging(log_level level) {
  std::lock_guard lock{start_mutex};
  if (owner)
    return;
  owner = std::make_unique<line_writer>(level);
  current = owner.get();
}

void stop_logging() {
  std::lock_guard lock{start_mutex};
  if (!owner)
    return;
  // Other threads may still hold the raw pointer for a moment: it stays valid
  // until the process ends.
  current = nullptr;
  owner->stop();
  static auto& retired = *new std::deque<std::unique_ptr<line_writer>>;
  retired.push_back(std::move(owner));
}

bool enabled(log_level level) {
  if (auto* writer = current.load())
    return writer->takes(level);
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
  if (auto* writer = current.load())
    writer->add(level, std::move(line));
  else
    std::fprintf(stderr, "%s\n", line.c_str());
}

} // namespace cuttle::telemetry
