#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "infra/runner_link/tls_stream.hpp"

namespace cuttle::runner_link::test {

/// A runner that says what a test wants it to. All calls wait, with a limit.
class raw_runner {
public:
  /// Connects to loopback.
  explicit raw_runner(std::uint16_t port);
  ~raw_runner();
  raw_runner(const raw_runner&) = delete;
  raw_runner& operator=(const raw_runner&) = delete;

  /// TLS with that identity and key; whether both sides agreed.
  bool secure(const std::string& ticket, const crypto::log_key& key);

  /// Sends all of it; false when the connection breaks.
  bool send(std::string_view bytes);

  /// Sends without TLS.
  bool send_plain(std::string_view bytes);

  /// Sends until nothing is taken for some time; returns how many bytes.
  std::size_t send_until_stuck(std::string_view bytes);

  /// The next line, without its end and without signs of life; nothing when the
  /// connection ends.
  std::optional<std::string> line();

  /// Waits until the peer ends the connection.
  bool ended();

  /// A sign of life that came was seen by `line`.
  int signs() const {
    return signs_;
  }

  /// Ends the connection with an RST instead of a farewell.
  void reset();

  /// Ends it properly.
  void close();

private:
  static int use_session(SSL* connection, const EVP_MD* digest,
                         const unsigned char** identity, std::size_t* size,
                         SSL_SESSION** result);
  bool wait(progress step, int limit_ms);

  int socket_ = -1;
  tls_context context_;
  std::optional<tls_stream> tls_;
  std::string ticket_;
  crypto::log_key key_;
  std::string read_;
  int signs_ = 0;
};

} // namespace cuttle::runner_link::test
