// One call of the Client side in listening mode: its connection, the exchange,
// and what becomes of the connection afterwards.

#include <algorithm>
#include <exception>
#include <utility>

#include "infra/halibut/dial.hpp"
#include "infra/halibut/envelope.hpp"
#include "infra/halibut/listening_client_impl.hpp"

namespace cuttle::halibut {

namespace asio = boost::asio;

using boost::system::error_code;
using clock = std::chrono::steady_clock;

namespace {

failure not_needed() {
  return {errc::cancelled, "the connection is not needed any more"};
}

} // namespace

asio::awaitable<void>
listening_client::impl::run(std::shared_ptr<dialled_call> x) {
  outcome<void> result;
  try {
    result = co_await transact(*x);
  } catch (const std::exception& e) {
    // Out of memory, say: this call ends, the others go on.
    result = fail(errc::internal, e.what());
  }
  if (!result) {
    if (x->link)
      x->link->link->cut(not_needed());
    if (!x->over)
      trouble(result.error());
    finish(*x->call, tl::unexpected(x->over.value_or(result.error())));
  }
  calls.erase(x);
  auto& worker = x->worker;
  --worker->busy;
  if (auto next = worker->waiting.pop())
    begin(worker, std::move(next));
}

/// One call to its end; a failure has ended it, or is its end.
task<void> listening_client::impl::transact(dialled_call& x) {
  auto& thumbprints = x.worker->where.thumbprints;
  if (thumbprints.empty())
    co_return fail(errc::invalid_request,
                   "no thumbprint of the worker is trusted");
  auto document = encode_request(x.call->request,
                                 {x.call->id, x.call->activity, x.worker->uri,
                                  crypto::normalise_thumbprint(thumbprints[0])},
                                 limits);
  if (!document)
    co_return tl::unexpected(document.error());
  auto connected = co_await connect(x);
  if (!connected)
    co_return connected;
  auto answered = co_await ask(*x.link->wire, *x.call, std::move(*document),
                               std::string_view{}, limits);
  if (answered)
    rest(x.worker, x.link);
  co_return answered;
}

/// Finds or makes the connection of a call. What has failed before the request
/// was sent is harmless: there are further attempts.
task<void> listening_client::impl::connect(dialled_call& x) {
  auto until = clock::now() + options.attempts_end;
  for (unsigned attempt = 1;; ++attempt) {
    while ((x.link = take(*x.worker)) != nullptr) {
      auto usable = co_await resume(x);
      if (!usable)
        co_return tl::unexpected(usable.error());
      if (*usable)
        co_return outcome<void>{};
    }
    auto waited = co_await await_end_of_pause(x);
    if (!waited)
      co_return waited;
    auto opened = co_await open(x);
    if (opened)
      co_return opened;
    if (x.over)
      co_return tl::unexpected(*x.over);
    auto next = clock::now() + options.attempt_pause;
    // Time does not change a certificate, nor our own mistakes.
    auto hopeless = opened.error().code == errc::forbidden
                    || opened.error().code == errc::invalid_request;
    if (hopeless || attempt >= options.attempts || next >= until)
      co_return opened;
    trouble(opened.error());
    while (!x.over && clock::now() < next)
      co_await x.wake.wait(next);
  }
}

/// Takes up a connection that was at rest; false when it is of no use, which
/// says nothing about the worker. Fails when the call is over.
task<bool> listening_client::impl::resume(dialled_call& x) {
  auto& wire = *x.link->wire;
  auto sent = co_await wire.write_line("NEXT\r\n");
  outcome<std::string> line;
  if (sent)
    line = co_await wire.read_line(clock::now() + limits.control, "PROCEED");
  if (x.over)
    co_return tl::unexpected(*x.over);
  if (sent && line && *line == "PROCEED")
    co_return true;
  x.link->link->cut(not_needed());
  co_return false;
}

/// Makes a new connection, up to the worker's identity.
task<void> listening_client::impl::open(dialled_call& x) {
  if (!tls) {
    auto context = make_initiator_context(self);
    if (!context)
      co_return tl::unexpected(context.error());
    tls.emplace(context->release());
  }
  x.link = std::make_shared<dialled_link>(io.context);
  auto& made = *x.link;
  made.link = std::make_shared<transport>(io.context, *tls);
  made.wire.emplace(io, disk, limits, options.spool, made.link);
  auto& where = x.worker->where;
  auto connected = co_await dial(io.context, *made.link, x.wake, where,
                                 dialled::worker, limits);
  const peer_identity own{peer_role::client, {}};
  if (connected)
    connected = co_await introduce(*made.wire, own, self.thumbprint(), where,
                                   dialled::worker, limits);
  if (!connected)
    made.link->cut(not_needed());
  co_return connected;
}

task<void> listening_client::impl::await_end_of_pause(dialled_call& x) {
  while (!x.over && clock::now() < paused_until)
    co_await x.wake.wait(paused_until);
  if (x.over)
    co_return tl::unexpected(*x.over);
  co_return outcome<void>{};
}

// -- the pool ----------------------------------------------------------------

/// Lets a connection rest until the next call. Whatever comes from the worker
/// meanwhile, most likely its end, takes the connection out of the pool.
void listening_client::impl::rest(const std::shared_ptr<dialled_worker>& worker,
                                  const std::shared_ptr<dialled_link>& link) {
  auto& pool = worker->pool;
  link->wire->release();
  if (worker->gone || pool.size() >= options.pooled) {
    spawn(say_end(link));
    return;
  }
  if (!link->link->input().empty() || link->link->cut_reason())
    return link->link->cut(not_needed());
  pool.push_back(link);
  auto leave = [self = std::weak_ptr{shared()}, worker = std::weak_ptr{worker},
                weak = std::weak_ptr{link}] {
    auto place = worker.lock();
    auto x = weak.lock();
    auto found = place && x && std::erase(place->pool, x) > 0;
    return std::pair{found ? self.lock() : nullptr, x};
  };
  link->link->watch([leave] {
    if (auto [self, x] = leave(); self)
      x->link->cut(not_needed());
  });
  link->rest.expires_after(options.pooled_idle);
  link->rest.async_wait([leave](const error_code& error) {
    if (error)
      return;
    if (auto [self, x] = leave(); self)
      self->spawn(self->say_end(x));
  });
}

/// The connection that was used last, or null.
std::shared_ptr<dialled_link>
listening_client::impl::take(dialled_worker& worker) {
  if (worker.pool.empty())
    return nullptr;
  auto link = std::move(worker.pool.back());
  worker.pool.pop_back();
  link->rest.cancel();
  return link;
}

/// Lets go of a connection as one should.
asio::awaitable<void>
listening_client::impl::say_end(std::shared_ptr<dialled_link> link) {
  co_await link->wire->write_line("END\r\n");
  link->link->finish();
}

void listening_client::impl::empty_pool(dialled_worker& worker) {
  while (auto link = take(worker))
    link->link->cut(not_needed());
}

} // namespace cuttle::halibut
