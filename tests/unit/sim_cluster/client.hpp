#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "infra/sim/embedded_cluster.hpp"

namespace cuttle::sim::test {

/// How long a test waits for anything before it fails.
inline constexpr std::chrono::seconds patience{30};

struct response {
  /// 0: no answer.
  long status = 0;
  std::string body;
  std::map<std::string, std::string> headers;

  nlohmann::json json() const {
    return nlohmann::json::parse(body, nullptr, false);
  }
  std::string message() const {
    return json().value("message", "");
  }
};

/// Address and credentials, as the kubeconfig has them.
struct api_access {
  explicit api_access(const embedded_cluster& cluster);
  std::string server;
  std::string ca_pem;
  std::string token;
  std::string space;

  /// `/api/v1/namespaces/<ns>/<rest>`
  std::string path(const std::string& rest) const {
    return "/api/v1/namespaces/" + space + '/' + rest;
  }
};

/// One request over real TLS.
response call(const api_access& where, const std::string& method,
              const std::string& path, const std::string& body = {},
              const std::string& content_type = "application/json");

/// A GET whose answer goes on; read by a thread of its own. The constructor
/// returns once the answer has begun, so that what the test does next comes
/// after the request.
class stream {
public:
  stream(api_access where, const std::string& path, bool held = false);
  ~stream();
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;

  /// Waits until the text so far fits; false when that took too long or the
  /// stream ended without.
  bool wait(const std::function<bool(const std::string&)>& fits);

  /// Waits for the end; false when that took too long.
  bool wait_end();

  /// Whether the answer was complete, rather than cut.
  bool complete() const;

  long status() const;
  std::string text() const;

  /// Goes on reading after a start with `held`.
  void release();

private:
  static std::size_t on_data(char*, std::size_t, std::size_t, void*);
  static std::size_t on_header(char*, std::size_t, std::size_t, void*);
  static int on_progress(void*, long, long, long, long);
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::string text_;
  bool held_;
  bool stop_ = false;
  bool begun_ = false;
  bool ended_ = false;
  bool complete_ = false;
  long status_ = 0;
  std::thread thread_;
};

/// A watch as a client sees it.
class watch {
public:
  watch(const api_access& where, const std::string& resource,
        const std::string& query = "resourceVersion=0");

  /// Waits for an event that fits and returns it; null when none came.
  nlohmann::json
  until(const std::function<bool(const nlohmann::json& event)>& fits);

  /// Waits until the pod of that name fits, and returns the pod.
  nlohmann::json
  pod(const std::string& name,
      const std::function<bool(const nlohmann::json& pod)>& fits);

  stream& raw() {
    return stream_;
  }

  std::vector<nlohmann::json> events() const;

private:
  stream stream_;
};

/// Manifest of a pod that runs `script` with `sh -c`.
nlohmann::json script_pod(const std::string& name, const std::string& script);

/// Creates it, and checks that it was created.
nlohmann::json create(const api_access& where, const nlohmann::json& pod);

/// State of a container such as `terminated`; null when it is not in it.
nlohmann::json state(const nlohmann::json& pod, const std::string& name);

bool in_phase(const nlohmann::json& pod, const std::string& phase);

/// Options with which nothing takes longer than it must.
embedded_cluster::options quick();

/// A started cluster with its api_access.
struct running {
  explicit running(embedded_cluster::options options = quick());
  embedded_cluster cluster;
  std::uint16_t port;
  api_access at;
};

} // namespace cuttle::sim::test
