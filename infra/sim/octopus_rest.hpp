#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "infra/sim/octopus_rest_certificate.hpp"
#include "messages/failure.hpp"

namespace cuttle::sim {

/// The REST side of the embedded Octopus Server: what registration, wizard and
/// deregistration ask of it (`install-and-register` 6), with users, rights,
/// paging, the server's own error bodies, and faults on demand. Real: TLS,
/// sign-in by key, token and password with its cookies. Not there: everything
/// else. Thread-safe.
class octopus_rest {
public:
  struct options {
    /// Of the certificate for polling, 40 hexadecimal digits.
    std::string thumbprint;
    /// Instead, that of the REST API's own certificate, so that its port plays
    /// the polling port as well: `/handshake` answers there.
    bool own_thumbprint = false;
    /// Virtual directory, such as `/octopus`.
    std::string prefix;
    std::string version = "2024.4.7065";
    std::string api_version = "3.0.0";
    std::size_t page_size = 30;
    rest_certificate_options certificate;
    /// Hears of each worker that was created or changed, with its thumbprint
    /// and polling address, on the server's thread.
    std::function<void(const std::string& thumbprint, const std::string& uri)>
      on_worker;
  };

  /// What a user may do.
  struct user {
    std::string name = "admin";
    std::string password = "secret";
    std::string api_key = "API-ADMIN";
    std::string token = "token-of-admin";
    /// Ids; empty: all.
    std::vector<std::string> spaces;
    bool worker_edit = true;
    bool list_pools = true;
  };

  /// One fault; see `break_next`.
  struct fault {
    /// "" is any.
    std::string method;
    /// A part of the path; "" is any.
    std::string path;
    int status = 0;
    std::string body;
    std::string location;
    /// Do what is asked, then cut the connection.
    bool lose_answer = false;
    /// Never answer.
    bool silent = false;
    unsigned times = 1'000'000;
  };

  explicit octopus_rest(options options);
  ~octopus_rest();

  octopus_rest(const octopus_rest&) = delete;
  octopus_rest& operator=(const octopus_rest&) = delete;

  /// Listens on a free port of loopback. A space `Default` (`Spaces-1`) with
  /// the pool `Default Worker Pool`, the policy `Default Machine Policy` and
  /// the user of `user`'s defaults are there.
  outcome<std::uint16_t> start();

  /// `https://127.0.0.1:port[/prefix]`
  std::string url() const;
  std::uint16_t port() const;

  /// PEM of the authority to trust.
  const std::string& authority() const;

  // -- content; each returns the new id ---------------------------------------

  std::string add_user(const user& who);
  std::string add_space(const std::string& name);
  std::string add_pool(const std::string& space, const std::string& name,
                       bool dynamic = false);
  std::string add_policy(const std::string& space, const std::string& name,
                         const std::string& update_behaviour = "NeverUpdate");
  /// A worker of any kind, as if somebody had made it before.
  std::string add_worker(const std::string& space, const std::string& name,
                         const std::string& style,
                         const std::string& thumbprint,
                         const std::vector<std::string>& pools);

  /// What all workers say of their health from now on.
  void set_health(const std::string& health);

  /// Workers of a space, as JSON.
  std::vector<std::string> workers(const std::string& space) const;

  /// Requests so far, as `GET /api/users/me`, without their query.
  std::vector<std::string> calls() const;
  void forget_calls();

  // -- trouble on demand ------------------------------------------------------

  /// Adds a fault; the first that matches a request is played.
  void break_next(fault what);
  void repair();

  /// Seconds by which the server's `Date` is ahead.
  void skew_clock(long seconds);

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace cuttle::sim
