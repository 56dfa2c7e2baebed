#pragma once

#include <cstdint>
#include <memory>
#include <openssl/ssl.h>
#include <string>
#include <string_view>

#include "infra/crypto/identity.hpp"

namespace cuttle::bench {

/// One blocking connection without manners; waits end after some seconds.
class hostile_peer {
public:
  /// Connects from the loopback address with that number.
  hostile_peer(std::uint16_t port, unsigned address);
  ~hostile_peer();
  hostile_peer(const hostile_peer&) = delete;
  hostile_peer& operator=(const hostile_peer&) = delete;

  bool opened() const {
    return socket_ >= 0;
  }

  /// Makes TLS, without a certificate when `self` is null.
  bool secure(const crypto::identity* self);

  /// Sends; false once the victim takes nothing more.
  bool plain(std::string_view bytes);
  bool send(std::string_view bytes);

  /// Reads through TLS until the text comes; false at the end.
  bool wait_for(std::string_view text);

  /// At least one byte through TLS.
  bool wait_for_any();

  /// Whether the victim has ended it.
  bool cut() const;

private:
  int socket_ = -1;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
};

} // namespace cuttle::bench
