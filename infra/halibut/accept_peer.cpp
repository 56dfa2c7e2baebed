#include "infra/halibut/accept_peer.hpp"

#include "infra/halibut/limit_names.hpp"
#include "infra/halibut/preamble.hpp"

namespace cuttle::halibut {

namespace {

using result = std::optional<accepted_peer>;

/// Reads the preamble; false for a peer that never said anything.
task<bool> read_preamble(transport& link, preamble_reader& reader,
                         transport::time_point until) {
  auto empty = true;
  while (!reader.done()) {
    auto ok = co_await link.fill(until, "the preamble");
    if (!ok && empty && link.peer_closed())
      co_return false;
    if (!ok)
      co_return tl::unexpected(ok.error());
    empty = false;
    auto taken = reader.feed(link.input());
    if (!taken)
      co_return tl::unexpected(taken.error());
    link.consume(*taken);
  }
  co_return true;
}

} // namespace

task<result> accept_peer(exchange& wire, const std::set<std::string>& trusted,
                         const halibut::limits& limits, std::string_view who) {
  auto& link = wire.link();
  link.tune();
  link.trust().anybody = true;
  auto until = transport::clock::now() + limits.handshake;
  auto secured = co_await link.handshake(true, until);
  auto late = [&](const failure& x) {
    return limited(x, limits.handshake, raise::handshake);
  };
  if (!secured)
    co_return tl::unexpected(late(secured.error()));
  std::string name{who};
  preamble_reader reader{limits.preamble_bytes};
  auto spoke = co_await read_preamble(link, reader, until);
  if (!spoke)
    co_return tl::unexpected(late(spoke.error()));
  if (!*spoke)
    co_return result{};
  if (!reader.is_halibut()) {
    auto sent = co_await link.write(probe_page(), limits.control);
    if (!sent)
      co_return tl::unexpected(sent.error());
    link.finish();
    co_return result{};
  }
  auto thumbprint = peer_thumbprint(link.tls());
  if (thumbprint.empty())
    co_return fail(errc::forbidden,
                   "a " + name + " without certificate was refused");
  if (trusted.count(thumbprint) == 0)
    co_return fail(errc::forbidden, "a " + name + " with the thumbprint "
                                      + thumbprint
                                      + " was refused: it is not trusted");
  auto what = "the " + name + "'s identity";
  auto identity = co_await wire.read_identity(until, what);
  if (!identity)
    co_return tl::unexpected(late(identity.error()));
  co_return accepted_peer{std::move(thumbprint), std::move(*identity)};
}

} // namespace cuttle::halibut
