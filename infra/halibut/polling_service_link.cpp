#include <utility>

#include "infra/halibut/dial.hpp"
#include "infra/halibut/limit_names.hpp"
#include "infra/halibut/polling_service_impl.hpp"
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
  auto connected = co_await dial(io.context, *x.link, x.wake, server,
                                 dialled::server, options.limits);
  if (!connected)
    co_return connected;
  if (stopping)
    co_return tl::unexpected(worker_stops());
  const peer_identity own{peer_role::subscriber, server.subscription};
  auto identified = co_await introduce(wire, own, self.thumbprint(), server,
                                       dialled::server, options.limits);
  if (!identified)
    co_return identified;
  x.link->keep_buffers();
  pauses.success();
  x.identified = true;
  telemetry::debug("link-connected",
                   {{"server", server.name()}, {"connection", x.number}});
  tell({link_event::kind::connected, x.number, {}, {}});
  co_return co_await serve(x, wire);
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
    x.retired
      = !answered->request && !stopping && pool.shrink(counts(), clock::now());
    auto word = answered->line;
    if (word.empty()) {
      word = stopping || x.retired ? end_line : next_line;
      auto sent = co_await wire.write_line(word);
      if (!sent)
        co_return sent;
    }
    if (word == end_line) {
      link.finish();
      co_return tl::unexpected(x.retired ? not_needed() : worker_stops());
    }
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
