#pragma once

// Internal: for the .cpp files of this folder.

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "infra/halibut/event.hpp"
#include "infra/runner_link/server.hpp"
#include "infra/runner_link/tls_stream.hpp"
#include "infra/runner_link/wire.hpp"

namespace cuttle::runner_link {

class session;

/// A runner that may connect. Shared with its session; `forgotten` is set by
/// any thread, the rest is touched on the links' thread only.
struct expectation {
  script_ticket ticket;
  crypto::log_key key;
  callbacks tell;
  std::atomic<bool> forgotten = false;
  std::shared_ptr<session> current;
};

/// What the sessions of one server share.
struct session_limits {
  std::chrono::milliseconds handshake;
  std::chrono::milliseconds silence;
};

/// One connection of a runner, from its acceptance to its end. Belongs to the
/// links' thread.
class session : public std::enable_shared_from_this<session> {
public:
  using tcp = boost::asio::ip::tcp;
  using clock = std::chrono::steady_clock;
  template <class T>
  using task = boost::asio::awaitable<outcome<T>>;

  /// Bytes that one call of `on_data` gets at most.
  static constexpr std::size_t chunk = 64 * 1'024;

  /// `buffer` has `chunk` bytes; all sessions use the same one.
  session(session_id id, tcp::socket socket, SSL_CTX* context,
          session_limits limits, std::span<char> buffer,
          boost::asio::io_context& loop);

  session_id id() const {
    return id_;
  }

  /// When the connection was accepted.
  clock::time_point since() const {
    return since_;
  }

  /// Whether the runner has proved its key.
  bool proven() const {
    return who_ != nullptr && proven_;
  }

  /// Whether it ended without ever being a link. One that only looked whether
  /// somebody listens, as probes do, was none that was refused.
  bool refused() const {
    return !told_open_ && tls_.heard();
  }

  /// Where it came from, for a log line.
  std::string peer() const;

  /// The session of a connection in its handshake.
  static session* of(const SSL* connection) {
    return static_cast<session*>(tls_stream::owner_of(connection));
  }

  /// Called in the handshake with the runner whose ticket was named.
  void named(std::shared_ptr<expectation> who) {
    who_ = std::move(who);
  }

  /// Called in the handshake with a ticket that nobody expects.
  void named_unknown() {
    unknown_ = true;
  }

  /// Serves the connection to its end, and tells of it.
  boost::asio::awaitable<void> run();

  /// Why it ended; set once `run` has.
  const failure& reason() const {
    return *end_;
  }

  /// Ends it; the first reason given counts. `on_close` comes now.
  void cut(failure reason);

  void resume(std::int64_t after);
  void set_room(bool room);
  void received(std::int64_t number);
  void acknowledge(std::int64_t number);

private:
  task<void> shake_hands();
  task<std::int64_t> read_hello();
  task<void> serve();
  /// Waits until a step that wanted to read or to write can go on.
  task<void> ready(progress step, clock::time_point until, const char* what);
  outcome<bool> take_some();
  outcome<void> send_some();
  void compose();
  void open(std::int64_t first);
  void end(failure reason);
  void watch_read();
  void watch_write();
  failure broken(progress step, const char* what) const;
  bool muted() const {
    return who_->forgotten.load();
  }

  const session_id id_;
  const clock::time_point since_ = clock::now();
  tcp::socket socket_;
  tls_stream tls_;
  const session_limits limits_;
  std::span<char> buffer_;
  halibut::event wake_;
  bool watches_read_ = false;
  bool watches_write_ = false;
  std::shared_ptr<expectation> who_;
  bool proven_ = false;
  bool unknown_ = false;
  bool told_open_ = false;
  std::optional<failure> end_;
  // What the owner wants; numbers of which only the newest counts.
  std::optional<std::int64_t> from_;
  bool resumed_ = false;
  bool room_ = true;
  std::int64_t got_ = 0;
  std::int64_t got_sent_ = 0;
  std::int64_t ack_ = 0;
  std::int64_t ack_sent_ = 0;
  // The bytes under way to the runner.
  std::string out_;
  std::size_t written_ = 0;
  bool write_waits_ = false;
  clock::time_point spoke_ = since_;
  clock::time_point heard_ = since_;
  life_filter filter_;
};

} // namespace cuttle::runner_link
