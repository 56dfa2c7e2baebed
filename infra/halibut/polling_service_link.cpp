#include <utility>

#include "infra/halibut/dial.hpp"
#include "infra/halibut/limit_names.hpp"
#include "infra/halibut/polling_service_impl.hpp"
#include "infra/halibut/preamble.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle::halibut {

using clock = std::chrono::steady_clock;

namespace {

failure not_needed() {
  return {errc::cancelled, "there was no need for so many connections"};
}

} // namespace

/// One connection from its making to its end, which is always a failure.
task<void> polling_service::impl::transact(service_link& x, backoff& pauses) {
  if (!tls)
    co_return fail(errc::invalid_request,
                   "our certificate cannot be used for TLS");
  if (server.thumbprints.empty())
    co_return fail(errc::invalid_request,
                   "no thumbprint of the server is trusted; register the "
                   "worker again");
  x.link = std::make_shared<transport>(io.context, *tls);
  exchange wire{io, disk, options.limits, options.spool, x.link};
  auto connected
    = co_await dial(io.context, *x.link, x.wake, server, options.limits);
  if (!connected)
    co_return connected;
  if (stopping)
    co_return tl::unexpected(worker_stops());
  auto identified = co_await identify(wire);
  if (!identified)
    co_return identified;
  pauses.success();
  x.identified = true;
  telemetry::debug("link-connected",
                   {{"server", server.name()}, {"connection", x.number}});
  tell({link_event::kind::connected, x.number, {}, {}});
  co_return co_await serve(x, wire);
}

task<void> polling_service::impl::identify(exchange& wire) {
  auto& link = wire.link();
  auto sent = co_await link.write(preamble, options.limits.control);
  if (!sent)
    co_return sent;
  auto line = format_identity({peer_role::subscriber, server.subscription});
  sent = co_await link.write(line, options.limits.control);
  if (!sent)
    co_return sent;
  auto peer = co_await wire.read_identity(
    clock::now() + options.limits.handshake, "the server's identity");
  if (!peer && link.peer_closed() && !link.cut_reason())
    co_return fail(errc::forbidden,
                   server.name()
                     + " closed the connection before it identified itself; "
                       "probably it does not trust this worker's thumbprint "
                     + self.thumbprint() + ", or has its limit of connections");
  if (!peer)
    co_return tl::unexpected(
      limited(peer.error(), limits.handshake, raise::handshake));
  if (peer->role != peer_role::server)
    co_return fail(errc::protocol_error,
                   server.name() + " is no Halibut server for workers");
  co_return outcome<void>{};
}

task<void> polling_service::impl::serve(service_link& x, exchange& wire) {
  auto& link = wire.link();
  for (;;) {
    if (stopping && !link.has_unread()) {
      link.finish();
      co_return tl::unexpected(worker_stops());
    }
    auto answered = co_await requests.serve_one(
      wire, x.wake, x.idle, limits.request_wait, "a request or null message",
      raise::request_wait);
    if (!answered)
      co_return tl::unexpected(answered.error());
    // Now the server cannot have sent a request that would be lost.
    x.retired = !*answered && !stopping && pool.shrink(counts(), clock::now());
    if (stopping || x.retired) {
      auto last = co_await wire.write_line("END\r\n");
      link.finish();
      if (!last)
        co_return tl::unexpected(last.error());
      co_return tl::unexpected(x.retired ? not_needed() : worker_stops());
    }
    auto next = co_await wire.write_line("NEXT\r\n");
    if (!next)
      co_return next;
    auto line
      = co_await wire.read_line(clock::now() + limits.control, "PROCEED");
    if (!line)
      co_return tl::unexpected(
        limited(line.error(), limits.control, raise::control));
    if (*line != "PROCEED")
      co_return fail(errc::protocol_error, "the server sent \""
                                             + printable(*line)
                                             + "\" where PROCEED was due");
  }
}

} // namespace cuttle::halibut
