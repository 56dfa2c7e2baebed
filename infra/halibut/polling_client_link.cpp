#include <exception>
#include <utility>

#include "infra/halibut/accept_peer.hpp"
#include "infra/halibut/envelope.hpp"
#include "infra/halibut/polling_client_impl.hpp"

namespace cuttle::halibut {

namespace asio = boost::asio;

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
  exchange wire{io, disk, limits, options.spool, x.link};
  auto subscriber = co_await identify(x, wire);
  if (!subscriber)
    co_return tl::unexpected(subscriber.error());
  if (subscriber->empty())
    co_return outcome<void>{};
  auto& key = *subscriber;
  if (queues[key].links >= limits.connections_per_subscription)
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
  auto hello = co_await x.link->write(line, limits.control);
  if (!hello)
    co_return hello;
  co_return co_await serve(x, wire, key, queue);
}

/// Returns the subscription as a key; empty after a probe.
task<std::string> polling_client::impl::identify(worker_link& x,
                                                 exchange& wire) {
  auto peer = co_await accept_peer(wire, trusted, limits, "worker");
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
  // A control line that is still to be written: with the next message, if that
  // is there already.
  std::string_view before;
  for (;;) {
    if (!before.empty() && queue.calls.empty()) {
      auto sent = co_await wire.write_line(before);
      if (!sent)
        co_return sent;
      before = {};
    }
    auto call = co_await dequeue(x, queue);
    if (!call)
      co_return tl::unexpected(call.error());
    if (*call) {
      x.call = (*call)->number;
      auto done = co_await perform(x, wire, subscription, **call, before);
      x.call = 0;
      if (!done)
        co_return done;
    } else {
      auto sent = co_await wire.write_message(null_document(), before);
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
    before = "PROCEED\r\n";
  }
}

/// The next call, or null after `queue_wait`. A worker that closes meanwhile is
/// noticed, so that no call is given to a dead connection.
task<std::shared_ptr<pending_call>>
polling_client::impl::dequeue(worker_link& x, subscription_queue& queue) {
  auto until = clock::now() + limits.queue_wait;
  x.readable = false;
  for (;;) {
    if (x.link->cut_reason()) {
      wake_one(queue);
      co_return tl::unexpected(*x.link->cut_reason());
    }
    if (!x.link->input().empty() || x.readable) {
      wake_one(queue);
      auto more
        = co_await x.link->fill(clock::now() + limits.io, "the next exchange");
      if (!more)
        co_return tl::unexpected(more.error());
      co_return fail(errc::protocol_error,
                     "the worker sent something before it got a message");
    }
    if (!queue.calls.empty()) {
      co_return queue.calls.pop();
    }
    if (clock::now() >= until)
      co_return nullptr;
    watch(x);
    queue.waiting.push_back(&x);
    co_await x.wake.wait(until);
    queue.waiting.remove(&x);
  }
}

/// Wakes the link when its socket becomes readable.
void polling_client::impl::watch(worker_link& x) {
  x.link->watch([weak = x.weak_from_this()] {
    if (auto link = weak.lock()) {
      link->readable = true;
      link->wake.notify();
    }
  });
}

task<void> polling_client::impl::perform(worker_link& x, exchange& wire,
                                         const std::string& subscription,
                                         pending_call& call,
                                         std::string_view before) {
  auto document = encode_request(
    call.request, {call.id, call.activity, subscription, x.thumbprint}, limits);
  if (document)
    co_return co_await ask(wire, call, std::move(*document), before, limits);
  // Nothing was written; a null message keeps the link in step.
  finish(call, tl::unexpected(document.error()));
  co_return co_await wire.write_message(null_document(), before);
}

} // namespace cuttle::halibut
