#include "infra/halibut/polling_service.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ssl/context.hpp>
#include <exception>
#include <future>
#include <random>
#include <utility>

#include "infra/halibut/backoff.hpp"
#include "infra/halibut/dial.hpp"
#include "infra/halibut/envelope.hpp"
#include "infra/halibut/exchange.hpp"
#include "infra/halibut/preamble.hpp"
#include "infra/halibut/reply.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle::halibut {

namespace asio = boost::asio;

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

/// The first connects are spread over this time.
constexpr milliseconds spread{300};

/// The same trouble is logged again after this time only.
constexpr std::chrono::minutes quiet_time{5};

double random_factor() {
  std::random_device source;
  return std::uniform_real_distribution<double>{1.0, 2.0}(source);
}

failure stopped() {
  return {errc::cancelled, "the worker stops"};
}

} // namespace

std::string server_endpoint::name() const {
  auto text = host.find(':') == std::string::npos ? host : '[' + host + ']';
  return text + ':' + std::to_string(port);
}

/// One of the N connections, for as long as the service lives.
struct connection {
  connection(asio::io_context& context, unsigned x)
    : number(x), wake(context) {}

  const unsigned number;
  /// Ends a pause, a wait for a reply or for a host name early.
  event wake;
  /// The link of now, if any.
  std::shared_ptr<transport> link;
  /// Whether it waits for the first byte of a message.
  bool idle = false;
  /// Whether the server has identified itself.
  bool identified = false;
};

struct polling_service::impl : std::enable_shared_from_this<impl> {
  impl(io_thread& thread, disk::disk_pool& pool, crypto::identity own,
       server_endpoint node, polling_options opts, polling_callbacks calls)
    : io(thread.get()), disk(pool), self(std::move(own)),
      server(std::move(node)), options(std::move(opts)),
      callbacks(std::move(calls)), patience(io.context) {}

  io_thread::impl& io;
  disk::disk_pool& disk;
  const crypto::identity self;
  const server_endpoint server;
  const polling_options options;

  // Everything below is touched on the links' thread only.
  polling_callbacks callbacks;
  std::optional<asio::ssl::context> tls;
  std::vector<std::unique_ptr<connection>> connections;
  std::size_t running = 0;
  bool stopping = false;
  /// The owner is gone: no callback any more.
  bool abandoned = false;
  asio::steady_timer patience;
  std::vector<std::function<void()>> on_ended;
  std::string logged;
  clock::time_point logged_at{};

  void start();
  void stop(milliseconds grace, std::function<void()> done);
  void cut_all(const failure& reason);
  void ended();

  asio::awaitable<void> run(connection& x);
  task<void> transact(connection& x, backoff& pauses);
  task<void> identify(exchange& wire);
  task<void> serve(connection& x, exchange& wire);
  task<void> answer(connection& x, exchange& wire, bson_bytes document);
  task<rpc_response> ask(connection& x, rpc_request request);

  void tell(const link_event& event);
  void log_trouble(const failure& reason, milliseconds retry_in);
};

void polling_service::impl::start() {
  if (stopping || !connections.empty())
    return;
  auto context = make_initiator_context(self);
  if (context)
    tls.emplace(context->release());
  else
    log_trouble(context.error(), options.backoff_min);
  auto count = std::clamp(options.connections, 1u, 512u);
  for (unsigned i = 0; i < count; ++i) {
    auto& x
      = *connections.emplace_back(std::make_unique<connection>(io.context, i));
    ++running;
    asio::co_spawn(
      io.context, run(x),
      [self = shared_from_this()](std::exception_ptr error) {
        if (error)
          telemetry::error("link-threw", {{"server", self->server.name()}});
        --self->running;
        self->ended();
      });
  }
}

void polling_service::impl::stop(milliseconds grace,
                                 std::function<void()> done) {
  stopping = true;
  on_ended.push_back(std::move(done));
  for (auto& x : connections) {
    x->wake.notify();
    // What has begun to arrive is a request that must not be lost.
    if (x->link && !x->identified)
      x->link->cut(stopped());
    else if (x->link && x->idle && !x->link->has_unread())
      x->link->finish();
  }
  patience.expires_after(grace);
  patience.async_wait(
    [weak = weak_from_this()](const boost::system::error_code& error) {
      auto self = weak.lock();
      if (!error && self)
        self->cut_all({errc::deadline_exceeded,
                       "the exchange did not end before the worker stopped"});
    });
  ended();
}

void polling_service::impl::cut_all(const failure& reason) {
  for (auto& x : connections) {
    if (x->link)
      x->link->cut(reason);
    x->wake.notify();
  }
}

void polling_service::impl::ended() {
  if (running > 0 || !stopping)
    return;
  patience.cancel();
  auto calls = std::exchange(on_ended, {});
  for (auto& call : calls)
    call();
}

asio::awaitable<void> polling_service::impl::run(connection& x) {
  backoff pauses{random_factor(), options.backoff_min, options.backoff_max};
  auto first = spread * x.number / std::max<std::size_t>(connections.size(), 1);
  if (first > milliseconds{0})
    co_await x.wake.wait(clock::now() + first);
  while (!stopping) {
    pauses.attempt(clock::now());
    auto result = co_await transact(x, pauses);
    x.link = nullptr;
    x.idle = false;
    x.identified = false;
    if (stopping)
      break;
    auto pause = pauses.pause(clock::now());
    log_trouble(result.error(), pause);
    tell({link_event::kind::disconnected, x.number, result.error(), pause});
    auto until = clock::now() + pause;
    while (!stopping && clock::now() < until)
      co_await x.wake.wait(until);
  }
  tell({link_event::kind::stopped, x.number, {}, {}});
}

/// One connection from its making to its end, which is always a failure.
task<void> polling_service::impl::transact(connection& x, backoff& pauses) {
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
    co_return tl::unexpected(stopped());
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
    co_return tl::unexpected(peer.error());
  if (peer->role != peer_role::server)
    co_return fail(errc::protocol_error,
                   server.name() + " is no Halibut server for workers");
  co_return outcome<void>{};
}

task<void> polling_service::impl::serve(connection& x, exchange& wire) {
  auto& limits = options.limits;
  auto& link = wire.link();
  for (;;) {
    if (stopping && !link.has_unread()) {
      link.finish();
      co_return tl::unexpected(stopped());
    }
    x.idle = true;
    auto arrived = co_await link.fill(clock::now() + limits.request_wait,
                                      "a request or null message");
    x.idle = false;
    if (!arrived)
      co_return arrived;
    auto document
      = co_await wire.read_message(clock::now() + limits.io, "a message");
    if (!document)
      co_return tl::unexpected(document.error());
    auto answered = co_await answer(x, wire, std::move(*document));
    if (!answered)
      co_return answered;
    if (stopping) {
      auto last = co_await wire.write_line("END\r\n");
      link.finish();
      co_return tl::unexpected(last ? stopped() : last.error());
    }
    auto next = co_await wire.write_line("NEXT\r\n");
    if (!next)
      co_return next;
    auto line
      = co_await wire.read_line(clock::now() + limits.control, "PROCEED");
    if (!line)
      co_return tl::unexpected(line.error());
    if (*line != "PROCEED")
      co_return fail(errc::protocol_error, "the server sent \""
                                             + printable(*line)
                                             + "\" where PROCEED was due");
  }
}

task<void> polling_service::impl::answer(connection& x, exchange& wire,
                                         bson_bytes document) {
  auto decoded = decode_request(document, options.limits);
  if (!decoded)
    co_return tl::unexpected(decoded.error());
  if (decoded->null)
    co_return outcome<void>{};
  document = {};
  auto received = co_await wire.read_streams(std::move(decoded->placeholders));
  if (!received)
    co_return tl::unexpected(received.error());
  auto id = decoded->request.id;
  outcome<rpc_response> response;
  if (received->trouble) {
    telemetry::warn("spool-failed", {{"server", server.name()},
                                     {"reason", received->trouble->text}});
    response
      = transient_error(id, "The worker " + received->trouble->text + ".");
    received->streams.clear();
  } else {
    decoded->request.streams = std::move(received->streams);
    response = co_await ask(x, std::move(decoded->request));
    if (!response)
      co_return tl::unexpected(response.error());
  }
  auto encoded = encode_response(*response, options.limits);
  if (!encoded) {
    telemetry::error("response-not-encoded",
                     {{"reason", encoded.error().text}});
    response = transient_error(
      id, "The worker's answer cannot be sent: " + encoded.error().text + ".");
    encoded = encode_response(*response, options.limits);
    if (!encoded)
      co_return tl::unexpected(encoded.error());
  }
  response->result = {};
  auto sent = co_await wire.write_message(*encoded);
  if (!sent)
    co_return sent;
  co_return co_await wire.write_streams(std::move(response->streams));
}

/// Hands the request over and waits for the answer. The Client gives up after
/// `response_wait`; twice that is more than the longest that one waits.
task<rpc_response> polling_service::impl::ask(connection& x,
                                              rpc_request request) {
  auto id = request.id;
  auto slot = std::make_shared<reply_slot>();
  slot->waiter = &x.wake;
  if (!abandoned && callbacks.on_request) {
    auto reply = make_reply(io.gate, slot, id);
    try {
      callbacks.on_request(std::move(request), std::move(reply));
    } catch (const std::exception& e) {
      telemetry::error("request-handler-threw", {{"what", e.what()}});
    }
  } else {
    slot->response = transient_error(id, "The worker is stopping.");
  }
  auto until = clock::now() + 2 * options.limits.response_wait;
  while (!slot->response && !x.link->cut_reason() && clock::now() < until)
    co_await x.wake.wait(until);
  slot->waiter = nullptr;
  if (x.link->cut_reason())
    co_return tl::unexpected(*x.link->cut_reason());
  if (!slot->response)
    co_return fail(errc::deadline_exceeded,
                   "a request was not answered within "
                     + std::to_string(2 * options.limits.response_wait.count())
                     + " ms");
  co_return std::move(*slot->response);
}

void polling_service::impl::tell(const link_event& event) {
  if (abandoned || !callbacks.on_link)
    return;
  try {
    callbacks.on_link(event);
  } catch (const std::exception& e) {
    telemetry::error("link-handler-threw", {{"what", e.what()}});
  }
}

void polling_service::impl::log_trouble(const failure& reason,
                                        milliseconds retry_in) {
  auto now = clock::now();
  if (reason.text == logged && now - logged_at < quiet_time) {
    telemetry::debug("link-lost", {{"server", server.name()},
                                   {"reason", reason.text},
                                   {"retry-ms", retry_in.count()}});
    return;
  }
  logged = reason.text;
  logged_at = now;
  telemetry::warn("link-lost", {{"server", server.name()},
                                {"reason", reason.text},
                                {"retry-ms", retry_in.count()}});
}

polling_service::polling_service(io_thread& thread, disk::disk_pool& disk,
                                 crypto::identity self, server_endpoint server,
                                 polling_options options,
                                 polling_callbacks callbacks)
  : impl_(std::make_shared<impl>(thread, disk, std::move(self),
                                 std::move(server), std::move(options),
                                 std::move(callbacks))) {}

polling_service::~polling_service() {
  auto abandon = [impl = impl_] {
    impl->abandoned = true;
    impl->on_ended.clear();
    impl->stopping = true;
    impl->cut_all(stopped());
  };
  if (impl_->io.inside()) {
    abandon();
    return;
  }
  // Whatever still runs uses the disk pool and the callbacks' targets, which
  // may be gone right after this.
  auto ended = std::make_shared<std::promise<void>>();
  auto posted = impl_->io.gate->post([impl = impl_, abandon, ended] {
    abandon();
    impl->on_ended.push_back([ended] { ended->set_value(); });
    impl->ended();
  });
  if (posted)
    ended->get_future().wait();
}

void polling_service::start() {
  impl_->io.gate->post([impl = impl_] { impl->start(); });
}

void polling_service::stop(milliseconds patience, std::function<void()> done) {
  impl_->io.gate->post([impl = impl_, patience, done = std::move(done)] {
    impl->stop(patience, done);
  });
}

} // namespace cuttle::halibut
