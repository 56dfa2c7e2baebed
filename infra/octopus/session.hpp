#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "infra/octopus/http_client.hpp"
#include "infra/octopus/resources.hpp"
#include "infra/octopus/server_url.hpp"

namespace cuttle::octopus {

/// What proves who we are; the first kind that is there counts, in the order
/// API key, bearer token, user name and password [REG-11].
struct credentials {
  std::string api_key;
  std::string bearer_token;
  std::string username;
  std::string password;

  credential_kind kind() const;
};

/// Settings of a `session`.
struct session_options {
  server_url server;
  credentials who;
  http_options http;
  /// All calls together; what waiting may cure is repeated until then.
  std::chrono::milliseconds patience{20'000};
  /// Hears of each failure that is waited out.
  std::function<void(const trouble&, std::chrono::milliseconds)> on_wait;
};

/// One user's conversation with an Octopus Server over REST
/// (`install-and-register` 6). Each call blocks until its answer is there, at
/// most as long as `patience` lasts. Calls that may be repeated are, while
/// waiting may cure what is wrong; the creation of something only if it can not
/// have been received. One thread at a time. Failures never hold a credential.
class session {
public:
  explicit session(session_options options);
  ~session();

  session(const session&) = delete;
  session& operator=(const session&) = delete;

  /// Root document, its version, sign-in and user. First call, once.
  answer<void> open();

  const root_document& root() const;
  const user_document& user() const;

  /// Spaces that the user may enter.
  answer<std::vector<space_document>> spaces();

  /// Thumbprint of the certificate that the server shows to polling workers.
  answer<std::string> server_thumbprint();

  /// Goes into a space: needed for everything below.
  answer<void> enter(const space_document& space);
  const space_document& space() const;

  answer<std::vector<named>> pools();
  answer<std::vector<named>> policies();

  /// Workers whose name contains that text.
  answer<std::vector<worker_document>> workers_named(const std::string& name);

  /// Workers with that thumbprint.
  answer<std::vector<worker_document>>
  workers_with(const std::string& thumbprint);

  /// The worker of that id; nothing when it is gone.
  answer<std::optional<worker_document>> worker(const std::string& id);

  answer<worker_document> create_worker(const std::string& body);
  answer<worker_document> update_worker(const std::string& self,
                                        const std::string& body);
  /// A worker that is gone already is a success.
  answer<void> delete_worker(const worker_document& worker);
  answer<named> create_pool(const std::string& name);

  /// A token of the user that is valid for an hour.
  answer<std::string> mint_token();

  /// Gives the calls from now on that much time together.
  void extend(std::chrono::milliseconds patience);

  /// Requests that were sent, for tests and logs.
  unsigned requests() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// Asks whether an address speaks the polling protocol, with `POST /handshake`
/// (`install-and-register` 5); 200 and 400 are good. Returns the thumbprint of
/// the certificate that it shows.
answer<std::string> probe_comms(const std::string& host, std::uint16_t port,
                                const http_proxy& proxy,
                                std::chrono::milliseconds patience);

} // namespace cuttle::octopus
