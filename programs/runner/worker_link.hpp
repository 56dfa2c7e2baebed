#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <poll.h>
#include <string>
#include <string_view>
#include <utility>

#include "infra/crypto/cipher.hpp"
#include "infra/runner_link/tls_stream.hpp"
#include "infra/runner_link/wire.hpp"
#include "programs/runner/held_lines.hpp"
#include "programs/runner/line_time.hpp"
#include "programs/runner/link_socket.hpp"

namespace cuttle::runner {

/// Times and sizes of the link; only tests change them.
struct link_options {
  std::uint64_t spool_bytes = 1024 * 1024 * 1024;
  /// At the script's end the worker gets so long after each progress.
  std::chrono::milliseconds end_wait{5'000};
  /// The same in total once a signal has come.
  std::chrono::milliseconds hurry{2'000};
  /// A worker that says nothing for so long is gone.
  std::chrono::milliseconds silence{30'000};
  /// Within this time after the start the first connection has to come.
  std::chrono::milliseconds first{30'000};
  /// Before the first connection no more than this is kept, and a script that
  /// has printed more waits for it so long after the start.
  std::uint64_t early_bytes = 64 * 1024 * 1024;
  std::chrono::milliseconds early{10'000};
  /// A link that was lost so long ago does not hold the script any more.
  std::chrono::milliseconds gone{600'000};
};

/// The runner's way to its worker (`docs/runner-link.md`): dials, sends the
/// numbered lines, keeps what is not acknowledged, dials again. Never fails a
/// script: trouble is a reason to dial again later, and the pod's log has
/// everything. One thread; no call blocks but for the workspace's files.
class worker_link {
public:
  using clock = std::chrono::steady_clock;

  /// Lines that follow one another sooner than this are sent together.
  static constexpr std::chrono::milliseconds linger{2};

  /// The link of the script in `directory`, whose last part is the ticket.
  /// Nothing if the worker left no address there or the key is of another size
  /// than the worker's keys.
  static std::unique_ptr<worker_link> make(const std::string& directory,
                                           crypto::byte_span key,
                                           link_options options);

  worker_link(std::string directory, crypto::byte_span key,
              link_options options);
  ~worker_link();
  worker_link(const worker_link&) = delete;
  worker_link& operator=(const worker_link&) = delete;

  /// Takes a line's frame, with its line feed.
  void add(std::int64_t number, std::string_view frame);

  /// Whether the script has to wait, because nothing more can be kept.
  bool holding() const;

  /// What to wait for, and until when at the latest; `max` for ever.
  pollfd wants() const;
  clock::time_point due() const;

  /// Goes on after a wait; `events` are those of `wants`.
  void turn(clock::time_point now, short events);

  /// The script has ended, no line follows.
  void no_more(clock::time_point now);

  /// Number of the last line that the worker has.
  std::int64_t received() const {
    return got_;
  }

  /// A signal asks for the end soon.
  void hurry(clock::time_point now);

  /// After `no_more`: whether there is nothing left to wait for.
  bool finished(clock::time_point now) const;

  /// Leaves unacknowledged lines in the workspace and closes. Returns 0 or the
  /// number of an error.
  int close();

  /// Says what a worker did wrong, once; empty afterwards.
  std::string take_complaint() {
    return std::exchange(complaint_, {});
  }

private:
  enum class state : std::uint8_t {
    waiting,
    connecting,
    securing,
    /// The hello is out.
    greeting,
    streaming,
  };

  static int use_session(SSL* connection, const EVP_MD* digest,
                         const unsigned char** identity, std::size_t* size,
                         SSL_SESSION** result);

  bool open() const {
    return state_ == state::greeting || state_ == state::streaming;
  }
  bool in_use(clock::time_point now) const;
  bool worth_holding(clock::time_point now) const;
  bool too_early(clock::time_point now) const;
  bool sends_now(clock::time_point now) const;
  void dial(clock::time_point now);
  void lost(clock::time_point now);
  void secure(clock::time_point now);
  void read_orders(clock::time_point now);
  void obey(const runner_link::order& order, clock::time_point now);
  void send(clock::time_point now);
  bool fill(clock::time_point now);
  void drop_acknowledged();
  void forget_if_full(clock::time_point now);
  clock::time_point end_limit() const;

  const std::string directory_;
  const std::string ticket_;
  crypto::log_key key_;
  const link_options options_;
  const clock::time_point start_ = clock::now();
  line_time time_;
  held_lines held_;
  state state_ = state::waiting;
  link_socket socket_;
  runner_link::tls_context context_;
  std::optional<runner_link::tls_stream> tls_;
  std::optional<runner_link::order_reader> orders_;
  /// The step that waits wants to write, or to go on at once.
  bool wants_write_ = false;
  bool goes_on_ = false;
  // When to dial, or when to give the connection up.
  clock::time_point next_dial_ = start_;
  clock::time_point give_up_ = clock::time_point::max();
  unsigned attempts_ = 0;
  /// A worker has said where to begin, at least once.
  bool connected_ = false;
  std::optional<clock::time_point> lost_;
  // Bytes on their way into TLS, and where they go on in what is held.
  std::string out_;
  std::size_t written_ = 0;
  held_lines::position next_ = 0;
  held_lines::position furthest_ = 0;
  clock::time_point spoke_{};
  std::int64_t got_ = 0;
  std::int64_t acknowledged_ = 0;
  // The end.
  bool ending_ = false;
  bool hurried_ = false;
  clock::time_point progress_{};
  clock::time_point hurry_until_ = clock::time_point::max();
  bool complained_ = false;
  std::string complaint_;
};

} // namespace cuttle::runner
