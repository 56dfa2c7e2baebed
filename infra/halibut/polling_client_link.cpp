#include <algorithm>
#include <exception>
#include <utility>

#include "infra/halibut/accept_peer.hpp"
#include "infra/halibut/polling_client_impl.hpp"

namespace cuttle::halibut {

namespace asio = boost::asio;

using boost::system::error_code;
using clock = std::chrono::steady_clock;

asio::awaitable<void>
polling_client::impl::run(std::shared_ptr<worker_link> x) {
  outcome<void> result;
  try {
    result = co_await transact(*x);
  } catch (const std::exception& e) {
    // Out of memory, say: this connection ends, the others go on.
    result = fail(errc::internal, e.what());
  }
  if (!result)
    trouble(result.error());
  x->link->cut({errc::cancelled, "the connection is closed"});
  links.erase(x);
}

/// One connection from its acceptance to its end. A failure is worth a report.
task<void> polling_client::impl::transact(worker_link& x) {
  exchange wire{io, disk, options.limits, options.spool, x.link};
  auto subscriber = co_await identify(x, wire);
  if (!subscriber)
    co_return tl::unexpected(subscriber.error());
  if (subscriber->empty())
    co_return outcome<void>{};
  auto& key = *subscriber;
  if (queues[key].links >= options.limits.connections_per_subscription)
    co_return fail(errc::overloaded, "a connection of " + printable(key)
                                       + " was closed: it has its limit of "
                                       + std::to_string(queues[key].links)
                                       + " already");
  // The map keeps its elements in place for good.
  auto& queue = queues[key];
  struct membership {
    membership(impl& owner, const std::string& name, subscription_queue& q)
      : self(owner), key(name), queue(q) {
      ++queue.links;
      self.count(key, true);
    }
    ~membership() {
      --queue.links;
      self.count(key, false);
    }
    impl& self;
    const std::string& key;
    subscription_queue& queue;
  } member{*this, key, queue};
  auto line = format_identity({peer_role::server, {}});
  auto hello = co_await x.link->write(line, options.limits.control);
  if (!hello)
    co_return hello;
  co_return co_await serve(x, wire, key, queue);
}

/// Returns the subscription as a key; empty after a probe.
task<std::string> polling_client::impl::identify(worker_link& x,
                                                 exchange& wire) {
  auto peer = co_await accept_peer(wire, trusted, options.limits, "worker");
  if (!peer)
    co_return tl::unexpected(peer.error());
  if (!*peer)
    co_return std::string{};
  x.thumbprint = std::move((*peer)->thumbprint);
  auto& identity = (*peer)->identity;
  if (identity.role != peer_role::subscriber)
    co_return fail(errc::protocol_error,
                   "a peer that is no polling worker was refused");
  co_return canonical_subscription(identity.subscription);
}

task<void> polling_client::impl::serve(worker_link& x, exchange& wire,
                                       const std::string& subscription,
                                       subscription_queue& queue) {
  auto& limits = options.limits;
  for (;;) {
    auto call = co_await dequeue(x, queue);
    if (!call)
      co_return tl::unexpected(call.error());
    if (*call) {
      x.call = (*call)->number;
      auto done = co_await perform(x, wire, subscription, **call);
      x.call = 0;
      if (!done)
        co_return done;
    } else {
      auto sent = co_await wire.write_message(null_document());
      if (!sent)
        co_return sent;
    }
    auto line
      = co_await wire.read_line(clock::now() + limits.control, "NEXT or END");
    if (!line)
      co_return tl::unexpected(line.error());
    if (*line == "END")
      co_return outcome<void>{};
    if (*line != "NEXT")
      co_return fail(errc::protocol_error, "the worker sent \""
                                             + printable(*line)
                                             + "\" where NEXT was due");
    auto sent = co_await wire.write_line("PROCEED\r\n");
    if (!sent)
      co_return sent;
  }
}

/// The next call, or null after `queue_wait`. A worker that closes meanwhile is
/// noticed, so that no call is given to a dead connection.
task<std::shared_ptr<pending_call>>
polling_client::impl::dequeue(worker_link& x, subscription_queue& queue) {
  auto until = clock::now() + options.limits.queue_wait;
  x.readable = false;
  for (;;) {
    if (x.link->cut_reason()) {
      wake_one(queue);
      co_return tl::unexpected(*x.link->cut_reason());
    }
    if (!x.link->input().empty() || x.readable) {
      wake_one(queue);
      auto more = co_await x.link->fill(clock::now() + options.limits.io,
                                        "the next exchange");
      if (!more)
        co_return tl::unexpected(more.error());
      co_return fail(errc::protocol_error,
                     "the worker sent something before it got a message");
    }
    if (!queue.calls.empty()) {
      auto call = std::move(queue.calls.front());
      queue.calls.pop_front();
      call->timer.cancel();
      co_return call;
    }
    if (clock::now() >= until)
      co_return nullptr;
    watch(x);
    queue.waiting.push_back(&x);
    co_await x.wake.wait(until);
    queue.waiting.remove(&x);
  }
}

/// Wakes the link when its socket becomes readable. At most one such look-out
/// is under way; one that outlived its wait is used again by the next.
void polling_client::impl::watch(worker_link& x) {
  if (std::exchange(x.watched, true))
    return;
  auto i = std::find_if(links.begin(), links.end(),
                        [&](const auto& y) { return y.get() == &x; });
  x.link->socket().async_wait(
    tcp::socket::wait_read,
    [weak = std::weak_ptr{*i}](const error_code& error) {
      auto link = weak.lock();
      if (!link)
        return;
      link->watched = false;
      link->readable = !error;
      link->wake.notify();
    });
}

task<void> polling_client::impl::perform(worker_link& x, exchange& wire,
                                         const std::string& subscription,
                                         pending_call& call) {
  // Whatever happens, the caller hears of it; a second end is none.
  struct ending {
    ~ending() {
      finish(call, fail(errc::unavailable, "the call failed"));
    }
    pending_call& call;
  } last{call};
  auto document = encode_request(
    call.request, {call.id, call.activity, subscription, x.thumbprint},
    options.limits);
  if (!document) {
    // Nothing was written; a null message keeps the link in step.
    finish(call, tl::unexpected(document.error()));
    co_return co_await wire.write_message(null_document());
  }
  auto sent = co_await wire.write_message(*document);
  if (sent)
    sent = co_await wire.write_streams(call.request.streams);
  call_result result;
  if (sent)
    result = co_await receive(wire, call.id);
  else
    result = tl::unexpected(sent.error());
  if (result) {
    finish(call, std::move(result));
    co_return outcome<void>{};
  }
  auto reason = result.error();
  auto code
    = reason.code == errc::deadline_exceeded ? reason.code : errc::unavailable;
  finish(call, fail(code, "the call failed: " + reason.text));
  co_return tl::unexpected(reason);
}

task<received_response> polling_client::impl::receive(exchange& wire,
                                                      const std::string& id) {
  auto document = co_await wire.read_message(
    clock::now() + options.limits.response_wait, "a response");
  if (!document)
    co_return tl::unexpected(document.error());
  auto decoded = decode_response(*document, options.limits);
  if (!decoded)
    co_return tl::unexpected(decoded.error());
  auto received = co_await wire.read_streams(std::move(decoded->placeholders));
  if (!received)
    co_return tl::unexpected(received.error());
  if (received->trouble)
    co_return tl::unexpected(*received->trouble);
  if (decoded->response.id != id)
    co_return fail(errc::protocol_error,
                   "the worker answered another request than the one sent");
  decoded->response.streams = std::move(received->streams);
  co_return std::move(decoded->response);
}

} // namespace cuttle::halibut
