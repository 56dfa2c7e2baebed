#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "infra/runner_link/tls_stream.hpp"
#include "tests/unit/runner/runner_process.hpp"
#include "tests/unit/runner_link/played_worker.hpp"

namespace cuttle::runner::test {

/// A port of loopback that is taken, and where nobody listens.
class bound_port {
public:
  bound_port();
  ~bound_port();
  bound_port(const bound_port&) = delete;
  bound_port& operator=(const bound_port&) = delete;

  int socket() const {
    return socket_;
  }

  std::uint16_t port() const {
    return port_;
  }

private:
  int socket_ = -1;
  std::uint16_t port_ = 0;
};

/// What the real runner dials: a real server whose owner is played.
class link_place : public workspace {
public:
  using played_worker = runner_link::test::played_worker;

  enum what_answers { a_worker, nobody, no_address };

  link_place(played_worker::habits habits, what_answers who);

  played_worker& worker() {
    return *worker_;
  }

  runner_link::server& server() {
    return server_->get();
  }

  /// Destroys the server; what its owner has stays.
  void stop_server();

  /// Another server, on another port, which the workspace's file names.
  void start_server();

  void restart_server() {
    stop_server();
    start_server();
  }

  /// A new worker that has nothing of what the last one had.
  void forget_worker();

  /// Where unacknowledged lines are left.
  std::filesystem::path lines_path() const;

  /// Numbers of the lines there, each checked for being whole.
  std::vector<std::int64_t> left_lines() const;

  /// The number in a file that the script writes.
  int count(const std::string& name) const;

  /// All numbers from `first` to `last`.
  static std::vector<std::int64_t> numbers(std::int64_t first,
                                           std::int64_t last);

private:
  played_worker::habits habits_;
  bound_port silent_;
  std::unique_ptr<played_worker> worker_;
  halibut::io_thread thread_;
  std::unique_ptr<runner_link::test::test_server> server_;
};

/// Runs a script with the real runner and its link.
struct linked_run : link_place, process {
  explicit linked_run(std::string_view body, played_worker::habits habits = {},
                      std::vector<std::string> environment = {},
                      what_answers who = a_worker);

  /// The link brought what standard output has, each line once.
  void expect_all_lines();

  /// Waits until the runner has done nothing for some time.
  void expect_still() const;
};

/// A worker that proves the key and then says one text, whatever the runner
/// does.
class rude_worker {
public:
  rude_worker(const crypto::log_key& key, std::string text);
  ~rude_worker();
  rude_worker(const rude_worker&) = delete;
  rude_worker& operator=(const rude_worker&) = delete;

  std::uint16_t port() const {
    return place_.port();
  }

  /// How often a runner came, once it has gone.
  int visits() const {
    return visits_;
  }

  /// Whether the runner has answered the text.
  bool answered() const {
    return answered_;
  }

private:
  static int find_session(SSL* connection, const unsigned char* identity,
                          std::size_t size, SSL_SESSION** result);
  void serve(int peer);

  bound_port place_;
  const crypto::log_key key_;
  const std::string text_;
  runner_link::tls_context context_;
  std::atomic<int> visits_ = 0;
  std::atomic<bool> answered_ = false;
  std::thread thread_;
};

/// Takes connections and sends bytes that are no TLS.
class nonsense_worker {
public:
  nonsense_worker();
  ~nonsense_worker();
  nonsense_worker(const nonsense_worker&) = delete;
  nonsense_worker& operator=(const nonsense_worker&) = delete;

  std::uint16_t port() const {
    return place_.port();
  }

  int visits() const {
    return visits_;
  }

private:
  bound_port place_;
  std::atomic<int> visits_ = 0;
  std::thread thread_;
};

} // namespace cuttle::runner::test
