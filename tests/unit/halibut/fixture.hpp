#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "infra/crypto/identity.hpp"
#include "infra/disk/disk_pool.hpp"
#include "infra/halibut/io_thread.hpp"
#include "infra/halibut/polling_client.hpp"
#include "infra/halibut/polling_service.hpp"

namespace cuttle::halibut::test {

using namespace std::chrono_literals;

inline constexpr auto subscription = "poll://test00vectors/";

/// Longest wait for anything that must happen, also under sanitizers on a busy
/// machine.
inline constexpr auto patience = 90s;

/// Identities are expensive: one of each for the whole program.
const crypto::identity& server_identity();
const crypto::identity& worker_identity();
const crypto::identity& other_identity();

/// A value that threads change and tests wait for.
template <class T>
class watched {
public:
  template <class F>
  void change(F f) {
    // Told under the lock: who was waiting may destroy this right after.
    std::lock_guard lock{mutex_};
    f(value_);
    changed_.notify_all();
  }

  template <class F>
  bool wait(F f) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, patience, [&] { return f(value_); });
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

/// A folder that goes with its owner.
class temporary_folder {
public:
  temporary_folder();
  ~temporary_folder();
  const std::filesystem::path& path() const {
    return path_;
  }
  /// Number of files in it.
  std::size_t files() const;

private:
  std::filesystem::path path_;
};

/// Limits that make tests quick where a time has to pass.
halibut::limits quick_limits();

/// Server and worker on one links' thread, over TLS on loopback.
struct world {
  world();
  ~world();

  polling_client::options client_options();
  server_endpoint endpoint() const;
  polling_options service_options() const;

  /// Makes the server, or another one on the same port.
  void start_server();
  void start_server(polling_client::options options,
                    const crypto::identity& self = server_identity());

  /// Makes the worker.
  void start_worker(unsigned connections = 1);
  void start_worker(polling_options options, server_endpoint to,
                    const crypto::identity& self = worker_identity());

  bool wait_connected(std::size_t count);

  /// Waits for a link event of that kind and returns it.
  link_event wait_event(link_event::kind what);

  std::future<call_result> begin(outgoing_request request);
  call_result call(outgoing_request request);

  /// Stops the worker and waits until it has.
  bool stop_worker(std::chrono::milliseconds grace);

  temporary_folder spool;
  /// Destroying it runs what was left to be done on disk.
  std::unique_ptr<disk::disk_pool> disk = std::make_unique<disk::disk_pool>();
  io_thread thread;
  std::uint16_t port = 0;
  watched<std::size_t> connected;
  watched<std::vector<std::string>> troubles;
  watched<std::vector<link_event>> events;
  watched<std::vector<std::string>> handled;
  /// What the worker does with a request; echoes its params otherwise.
  std::function<void(rpc_request, reply_function)> handler;
  std::unique_ptr<polling_client> server;
  std::unique_ptr<polling_service> worker;
};

/// A request with one string parameter.
outgoing_request make_request(const std::string& text,
                              const std::string& method = "Echo");

/// The string parameter 0 of such a request, or of a result.
std::string text_of(const bson_bytes& document);

/// Makes the document of a request or response a placeholder and adds the
/// stream that goes with it.
guid add_stream(outgoing_request& request, outgoing_stream stream);
guid add_stream(rpc_response& response, outgoing_stream stream);

outgoing_stream memory_stream(std::string bytes);
outgoing_stream file_stream(const std::filesystem::path& path,
                            const std::string& bytes);
std::string content_of(const received_stream& stream);

/// Bytes that do not compress and are the same each time.
std::string noise(std::size_t size);

/// A document with one string, `key` : `text`.
bson_bytes text_document(const char* key, const std::string& text);

/// A request as a deflated message, made by the code under test.
std::string request_message(const std::string& id, const std::string& text);

/// The null message, deflated.
std::string null_message();

} // namespace cuttle::halibut::test
