#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "infra/crypto/identity.hpp"
#include "infra/disk/disk_pool.hpp"
#include "infra/halibut/io_thread.hpp"
#include "infra/halibut/polling_service.hpp"
#include "infra/sim/octopus_server.hpp"
#include "infra/tentacle/services.hpp"

namespace cuttle::sim {

/// The longest that a test waits for a condition.
constexpr std::chrono::seconds patience{30};

/// A value that several threads change and a test waits for.
template <class T>
class watched {
public:
  template <class Change>
  void change(Change how) {
    std::lock_guard lock{mutex_};
    how(value_);
    changed_.notify_all();
  }

  template <class Condition>
  bool wait(Condition until) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, patience, [&] { return until(value_); });
  }

  T get() const {
    std::lock_guard lock{mutex_};
    return value_;
  }

private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  T value_{};
};

/// A folder that is gone with its owner.
class temporary_folder {
public:
  temporary_folder();
  ~temporary_folder();
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;

  const std::filesystem::path& path() const {
    return path_;
  }

private:
  std::filesystem::path path_;
};

/// Server and worker identities; made once, since keys take time.
const crypto::identity& server_identity();
const crypto::identity& worker_identity();

/// The embedded server and, over real TLS, a worker whose answers the test
/// gives: a function that gets each call and returns status or failure.
class scripted_pair {
public:
  using answer = outcome<script_status>;
  using answer_function = std::function<answer(const tentacle::service_call&)>;

  /// What an answer function returns to leave a call without one.
  static answer no_answer() {
    return fail(errc::none, {});
  }

  scripted_pair();
  ~scripted_pair();

  /// Binds the server.
  void start_server();
  /// Lets the worker poll, with so many connections.
  void start_worker(answer_function how, unsigned connections = 2);

  /// Runs a script to its end; `ready` once `on_end` was called.
  std::future<script_result> run(const script_ticket& ticket,
                                 const std::string& body = "echo hello");
  static script_result get(std::future<script_result>& result);

  octopus_server& server() {
    return *server_;
  }
  const std::string& subscription() const {
    return subscription_;
  }

  /// `GetStatus 3` and the like, in the order in which they came.
  watched<std::vector<std::string>> calls;
  /// Lines that observers heard.
  watched<std::vector<std::string>> lines;
  /// Connections of workers.
  watched<int> connected;

  /// Set before `start_server`.
  octopus_server::options options;

private:
  temporary_folder folder_;
  halibut::io_thread thread_;
  disk::disk_pool disk_{2};
  std::string subscription_ = make_subscription();
  std::unique_ptr<octopus_server> server_;
  std::unique_ptr<halibut::polling_service> worker_;
  watched<std::vector<halibut::reply_function>> unanswered_;
};

/// A status with texts as lines of standard output.
script_status status_of(const script_ticket& ticket, process_state state,
                        std::int64_t next_sequence = 0,
                        std::vector<std::string> texts = {},
                        std::int32_t exit_code = 0);

} // namespace cuttle::sim
