#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "infra/halibut/io_thread.hpp"
#include "infra/podlog/reader.hpp"
#include "infra/runner_link/server.hpp"

namespace cuttle::runner_link::test {

/// Long enough for a machine under load; a test that waits so long has failed.
inline constexpr std::chrono::seconds patience{60};

/// The owner of one operation's link: records what it is told and answers as it
/// is set up to. It outlives the servers, as a worker's volume does.
class played_worker {
public:
  /// What it does on its own. Set before the runner is there.
  struct habits {
    /// Answers `on_open` with the number of the last line that it has.
    bool resumes = true;
    /// Says that lines have arrived.
    bool receives = true;
    /// Acknowledges at once.
    bool acknowledges = true;
  };

  struct session_record {
    session_id id = 0;
    std::int64_t first = 0;
    std::string bytes;
    bool closed = false;
    failure reason;
  };

  /// `key` of a script's log, to read the lines; without lines any will do.
  explicit played_worker(crypto::log_key key) : reader_(key, 0) {}

  /// Callbacks for `expect`; the server gets the answers.
  callbacks tell(server& to);

  void set(habits x);

  /// Waits until `ready`, which is called with everything locked; false when it
  /// is not for too long.
  bool wait(const std::function<bool()>& ready);

  /// Waits for so many sessions in total; the newest one.
  session_record wait_session(std::size_t count = 1);
  /// Waits until the newest session has ended; its record.
  session_record wait_closed(std::size_t count = 1);
  /// Waits until the newest session has got exactly these bytes or more.
  std::string wait_bytes(std::size_t size);
  /// Waits for the line of that number.
  bool wait_number(std::int64_t number);
  /// Waits for the end marker.
  bool wait_marker();

  // For `ready` and after the end; the caller knows that nothing moves.
  const std::vector<session_record>& sessions() const {
    return sessions_;
  }
  const std::vector<numbered_line>& lines() const {
    return lines_;
  }
  const std::vector<output_line>& remarks() const {
    return remarks_;
  }
  std::int64_t last_number() const {
    return reader_.last_number();
  }

private:
  void on_data(server& to, session_id id, std::string_view bytes);

  std::mutex mutex_;
  std::condition_variable changed_;
  habits habits_;
  podlog::reader reader_;
  std::vector<session_record> sessions_;
  std::vector<numbered_line> lines_;
  std::vector<output_line> remarks_;
  bool marker_ = false;
};

/// A server on loopback; throws when there is none.
struct test_server {
  explicit test_server(halibut::io_thread& thread, server_options options = {});

  server& get() const {
    return *server_;
  }

  std::uint16_t port = 0;

private:
  std::unique_ptr<server> server_;
};

} // namespace cuttle::runner_link::test
