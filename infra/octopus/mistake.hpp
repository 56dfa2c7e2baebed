#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace cuttle::octopus {

/// What can be wrong when a worker is registered. A person acts on each one
/// differently; `docs/registration.md` has the table, which a test compares
/// with `mistake_names`.
enum class mistake : std::uint8_t {
  // -- settings --------------------------------------------------------------
  eula_not_accepted,
  mode_wrong,
  server_url_missing,
  server_url_wrong,
  credentials_missing,
  credentials_unreadable,
  name_wrong,
  pools_missing,
  subscription_wrong,
  certificate_wrong,
  comms_address_wrong,
  ca_wrong,
  option_wrong,
  // -- the way to the server -------------------------------------------------
  dns,
  tcp_refused,
  connect_timeout,
  unreachable,
  no_answer,
  connection_cut,
  proxy_unreachable,
  proxy_credentials,
  proxy_refused,
  tls_chain,
  tls_name,
  tls_expired,
  tls_failed,
  clock,
  // -- the server ------------------------------------------------------------
  not_octopus,
  redirected,
  version_unsupported,
  server_busy,
  server_broken,
  answer_wrong,
  credentials_refused,
  token_expired,
  login_refused,
  not_permitted,
  refused,
  // -- what the worker is to be ----------------------------------------------
  space_not_found,
  pool_not_found,
  pool_dynamic,
  policy_not_found,
  worker_not_found,
  name_taken,
  // -- the polling address ---------------------------------------------------
  comms_unreachable,
  comms_wrong_port,
  comms_wrong_certificate,
  // -- the cluster -----------------------------------------------------------
  cluster_unreachable,
  config_map_missing,
  secret_missing,
  cluster_forbidden,
  stored_wrong,
};

/// Names of the mistakes, in the order of the enum; stable, in kebab-case.
inline constexpr std::array<std::string_view, 52> mistake_names{
  "eula-not-accepted",
  "mode-wrong",
  "server-url-missing",
  "server-url-wrong",
  "credentials-missing",
  "credentials-unreadable",
  "name-wrong",
  "pools-missing",
  "subscription-wrong",
  "certificate-wrong",
  "comms-address-wrong",
  "ca-wrong",
  "option-wrong",
  "dns",
  "tcp-refused",
  "connect-timeout",
  "unreachable",
  "no-answer",
  "connection-cut",
  "proxy-unreachable",
  "proxy-credentials",
  "proxy-refused",
  "tls-chain",
  "tls-name",
  "tls-expired",
  "tls-failed",
  "clock",
  "not-octopus",
  "redirected",
  "version-unsupported",
  "server-busy",
  "server-broken",
  "answer-wrong",
  "credentials-refused",
  "token-expired",
  "login-refused",
  "not-permitted",
  "refused",
  "space-not-found",
  "pool-not-found",
  "pool-dynamic",
  "policy-not-found",
  "worker-not-found",
  "name-taken",
  "comms-unreachable",
  "comms-wrong-port",
  "comms-wrong-certificate",
  "cluster-unreachable",
  "config-map-missing",
  "secret-missing",
  "cluster-forbidden",
  "stored-wrong",
};

static_assert(mistake_names.size()
              == static_cast<std::size_t>(mistake::stored_wrong) + 1);

/// The stable name of a mistake.
constexpr std::string_view name_of(mistake x) {
  return mistake_names[static_cast<std::size_t>(x)];
}

/// Whether waiting may cure it, so that the same call is worth repeating.
bool worth_waiting(mistake x);

/// A mistake with one sentence (or two) on one line: what happened, why, what
/// to do. Never contains a secret.
struct trouble {
  mistake what = mistake::answer_wrong;
  std::string text;

  friend bool operator==(const trouble&, const trouble&) = default;
};

/// Either a `T` or why there is none.
template <class T>
using answer = tl::expected<T, trouble>;

/// Makes the failing side of an `answer`.
inline tl::unexpected<trouble> wrong(mistake what, std::string text) {
  return tl::unexpected<trouble>(trouble{what, std::move(text)});
}

/// Text from outside, fit for one line: well-formed UTF-8 without control
/// characters, at most `limit` bytes.
std::string one_line(std::string_view text, std::size_t limit = 300);

/// `'a', 'b' and 3 more`: at most `limit` names in quotes; `none` for an empty
/// list.
std::string listed(const std::vector<std::string>& names,
                   std::size_t limit = 20);

} // namespace cuttle::octopus
