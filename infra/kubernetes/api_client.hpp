#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "infra/kubernetes/cluster.hpp"

namespace cuttle::kubernetes {

/// How to reach and to authenticate at an API server.
struct access {
  /// `https://host:port`, without a slash at the end.
  std::string server;
  std::string namespace_name;
  /// PEM of the trusted CAs; empty means the system's.
  std::string ca_pem;
  /// File that holds a bearer token; read again when it changed and after 401.
  std::filesystem::path token_file;
  /// A fixed token, when there is no file.
  std::string token;
  /// PEM of a client certificate and its key.
  std::string client_certificate_pem;
  std::string client_key_pem;
  bool verify_server = true;
};

/// The service account's files below `root`, with `KUBERNETES_SERVICE_HOST` and
/// `…_PORT` from the environment.
outcome<access>
in_cluster_access(const std::filesystem::path& root
                  = "/var/run/secrets/kubernetes.io/serviceaccount");

/// The current context of a kubeconfig file: inline data or files, token or
/// client certificate. `exec` plug-ins are refused with a sentence.
outcome<access> kubeconfig_access(const std::filesystem::path& file,
                                  std::optional<std::string> context = {});

/// One request as seen by an observer, for counting.
struct api_call {
  /// `create`, `get`, `list`, `watch`, `patch`, `delete`, `log`.
  std::string_view verb;
  /// `pods`, `events`, `secrets`, `configmaps`, `version`.
  std::string_view resource;
  /// Name of the object, empty for collections.
  std::string_view name;
};

/// Tuning of an `api_client`.
struct api_options {
  /// Requests in flight, without watches and follow streams; more wait in a
  /// bounded queue.
  unsigned in_flight = 32;
  std::size_t queue = 10'000;
  std::chrono::milliseconds connect_timeout{10'000};
  /// One attempt of one request.
  std::chrono::milliseconds request_timeout{30'000};
  /// All attempts of one request together.
  std::chrono::milliseconds patience{120'000};
  /// `timeoutSeconds` of a watch [MON-01].
  std::chrono::seconds watch_timeout{600};
  /// A watch with neither event nor bookmark for this long, or for a request's
  /// time longer than it was to stay open, is made anew, which counts as
  /// trouble only if that fails.
  std::chrono::seconds watch_silence{180};
  /// Largest response body and watch object.
  std::size_t body_bytes = 64 * 1024 * 1024;
  /// Called on the driver's thread for each request sent, retries included.
  std::function<void(const api_call&)> on_call;
};

/// `cluster` over libcurl: one multi handle on one thread; requests and watches
/// over HTTP/2 where the server has it, follow streams over HTTP/1.1.
class api_client final : public cluster {
public:
  api_client(access where, api_options options = {});

  /// Cancels everything and joins.
  ~api_client() override;

  api_client(const api_client&) = delete;
  api_client& operator=(const api_client&) = delete;

  call_id create_pod(std::string, creation_callbacks) override;
  call_id get_pod(std::string,
                  std::function<void(outcome<pod_snapshot>)>) override;
  call_id delete_pod(std::string, std::string,
                     std::optional<std::chrono::seconds>,
                     std::function<void(outcome<void>)>) override;
  call_id watch_pods(watch_callbacks<pod_snapshot>) override;
  call_id watch_pod_events(watch_callbacks<pod_event>) override;
  call_id follow_log(log_query, log_callbacks) override;
  call_id get_config_map(std::string,
                         std::function<void(outcome<stored_map>)>) override;
  call_id patch_config_map(std::string,
                           std::map<std::string, std::optional<std::string>>,
                           std::function<void(outcome<stored_map>)>) override;
  call_id get_secret(std::string,
                     std::function<void(outcome<stored_map>)>) override;
  call_id create_secret(std::string,
                        std::function<void(outcome<void>)>) override;
  call_id patch_secret(std::string,
                       std::map<std::string, std::optional<std::string>>,
                       std::optional<owner_reference>,
                       std::function<void(outcome<stored_map>)>) override;
  call_id list_objects(std::string group, std::string resource,
                       std::string selector,
                       std::function<void(outcome<std::string>)>) override;
  call_id get_version(std::function<void(outcome<cluster_version>)>) override;
  void pause(call_id) override;
  void resume(call_id) override;
  void cancel(call_id) override;

  /// Calls `done` on the driver's thread, at once: who hears nothing knows that
  /// the thread is stuck. Not called once the client is about to end.
  void echo(std::function<void()> done);

  /// Any other request, for demo and tests: no retry; the body of the answer,
  /// or a failure with the API server's message.
  call_id raw(std::string method, std::string path, std::string body,
              std::function<void(outcome<std::string>)>);

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace cuttle::kubernetes
