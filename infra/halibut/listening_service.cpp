#include "infra/halibut/listening_service.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <future>
#include <optional>
#include <set>
#include <utility>

#include "infra/halibut/accept_peer.hpp"
#include "infra/halibut/answering.hpp"
#include "infra/halibut/event.hpp"
#include "infra/halibut/listener.hpp"
#include "infra/halibut/transport.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle::halibut {

namespace asio = boost::asio;

using boost::system::error_code;
using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

/// One accepted connection.
struct server_link {
  server_link(asio::io_context& context, unsigned x)
    : number(x), wake(context) {}

  const unsigned number;
  event wake;
  std::shared_ptr<transport> link;
  /// Authorised; its end is told.
  bool identified = false;
  /// Rests in the server's pool: nothing is lost when it ends.
  bool idle = false;
  /// Waits for a request that must be on its way: the server has just dialled,
  /// or was told to proceed.
  bool due = false;
};

/// How long a request that is due may take once the worker stops.
constexpr milliseconds last_request{5'000};

failure worker_stops() {
  return {errc::cancelled, "the worker stops"};
}

} // namespace

struct listening_service::impl : std::enable_shared_from_this<impl> {
  using tcp = asio::ip::tcp;

  impl(io_thread& thread, disk::disk_pool& pool, crypto::identity own,
       listening_options opts, service_callbacks calls)
    : io(thread.get()), disk(pool), self(std::move(own)),
      options(std::move(opts)), callbacks(std::move(calls)),
      listener(io.context), patience(io.context), last_call(io.context) {
    for (auto& x : options.trusted)
      trusted.insert(crypto::normalise_thumbprint(x));
  }

  io_thread::impl& io;
  disk::disk_pool& disk;
  const crypto::identity self;
  const listening_options options;
  std::set<std::string> trusted;

  // Everything below is touched on the links' thread only, after `start`.
  service_callbacks callbacks;
  halibut::listener listener;
  std::optional<asio::ssl::context> tls;
  std::set<std::shared_ptr<server_link>> links;
  unsigned link_counter = 0;
  std::size_t running = 0;
  bool stopping = false;
  /// The owner is gone: no callback any more.
  bool abandoned = false;
  asio::steady_timer patience;
  asio::steady_timer last_call;
  std::vector<std::function<void()>> on_ended;
  const answering requests{io, options.limits, callbacks, abandoned,
                           "listener"};

  outcome<std::uint16_t> start();
  void stop(milliseconds grace, std::function<void()> done);
  void cut_all(const failure& reason);
  void ended();
  void spawn(asio::awaitable<void> routine);
  void on_socket(tcp::socket socket);
  asio::awaitable<void> run(std::shared_ptr<server_link> x);
  task<void> transact(server_link& x);
  task<void> serve(server_link& x, exchange& wire);
  task<bool> await_next(server_link& x, exchange& wire);
  void tell(link_event::kind what, const server_link& x, failure reason);
};

outcome<std::uint16_t> listening_service::impl::start() {
  if (trusted.empty())
    return fail(errc::invalid_request,
                "no thumbprint of a server is trusted; nobody could connect");
  auto context = make_acceptor_context(self);
  if (!context)
    return tl::unexpected(context.error());
  auto port = listener.open(options.bind, options.port);
  if (!port)
    return port;
  tls.emplace(context->release());
  io.gate->post([self = shared_from_this()] {
    if (!self->stopping)
      self->spawn(self->listener.accept(
        [self](tcp::socket x) { self->on_socket(std::move(x)); },
        [](const failure& x) {
          telemetry::warn("accept-failed", {{"reason", x.text}});
        }));
  });
  return port;
}

void listening_service::impl::spawn(asio::awaitable<void> routine) {
  ++running;
  asio::co_spawn(io.context, std::move(routine),
                 [self = shared_from_this()](std::exception_ptr error) {
                   if (error)
                     telemetry::error("link-threw", {{"server", "listener"}});
                   --self->running;
                   self->ended();
                 });
}

void listening_service::impl::stop(milliseconds grace,
                                   std::function<void()> done) {
  stopping = true;
  on_ended.push_back(std::move(done));
  listener.close();
  for (auto& x : links) {
    // What has begun to arrive is a request that must not be lost.
    if (!x->identified)
      x->link->cut(worker_stops());
    else if (x->idle && !x->link->has_unread())
      x->link->finish();
  }
  last_call.expires_after(std::min(grace, last_request));
  last_call.async_wait([weak = weak_from_this()](const error_code& error) {
    auto self = weak.lock();
    if (error || !self)
      return;
    for (auto& x : self->links)
      if (x->due && !x->link->has_unread())
        x->link->finish();
  });
  patience.expires_after(grace);
  patience.async_wait([weak = weak_from_this()](const error_code& error) {
    auto self = weak.lock();
    if (!error && self)
      self->cut_all({errc::deadline_exceeded,
                     "the exchange did not end before the worker stopped"});
  });
  ended();
}

void listening_service::impl::cut_all(const failure& reason) {
  for (auto& x : links) {
    x->link->cut(reason);
    x->wake.notify();
  }
}

void listening_service::impl::ended() {
  if (running > 0 || !stopping)
    return;
  patience.cancel();
  last_call.cancel();
  auto calls = std::exchange(on_ended, {});
  for (auto& call : calls)
    call();
}

void listening_service::impl::on_socket(tcp::socket socket) {
  if (links.size() >= options.limits.connections) {
    telemetry::warn("connection-refused",
                    {{"reason", "there are as many as the limit allows"},
                     {"limit", options.limits.connections}});
    return;
  }
  auto x = std::make_shared<server_link>(io.context, link_counter++);
  x->link = std::make_shared<transport>(std::move(socket), *tls);
  links.insert(x);
  spawn(run(x));
}

asio::awaitable<void>
listening_service::impl::run(std::shared_ptr<server_link> x) {
  outcome<void> result;
  try {
    result = co_await transact(*x);
  } catch (const std::exception& e) {
    // Out of memory, say: this connection ends, the others go on.
    result = fail(errc::internal, e.what());
  }
  auto reason = result ? failure{errc::cancelled, "the server closed it"}
                       : result.error();
  x->link->cut({errc::cancelled, "the connection is closed"});
  links.erase(x);
  if (x->identified)
    tell(link_event::kind::disconnected, *x, std::move(reason));
  else if (!result && !stopping)
    telemetry::warn("connection-refused", {{"reason", reason.text}});
}

/// One connection from its acceptance to its end, which may be a good one.
task<void> listening_service::impl::transact(server_link& x) {
  exchange wire{io, disk, options.limits, options.spool, x.link};
  auto peer = co_await accept_peer(wire, trusted, options.limits, "server");
  if (!peer)
    co_return tl::unexpected(peer.error());
  if (!*peer)
    co_return outcome<void>{};
  if ((*peer)->identity.role != peer_role::client)
    co_return fail(errc::protocol_error,
                   "a peer that is no server was refused");
  auto line = format_identity({peer_role::server, {}});
  auto hello = co_await x.link->write(line, options.limits.control);
  if (!hello)
    co_return hello;
  x.identified = true;
  tell(link_event::kind::connected, x, {});
  co_return co_await serve(x, wire);
}

task<void> listening_service::impl::serve(server_link& x, exchange& wire) {
  auto& limits = options.limits;
  for (;;) {
    x.due = true;
    auto arrived = co_await x.link->fill(
      clock::now() + limits.listening_request_wait, "a request");
    x.due = false;
    // A server that has no more to ask just closes.
    if (!arrived && x.link->peer_closed())
      co_return outcome<void>{};
    if (!arrived)
      co_return arrived;
    auto document
      = co_await wire.read_message(clock::now() + limits.io, "a message");
    if (!document)
      co_return tl::unexpected(document.error());
    auto answered
      = co_await requests.answer(wire, x.wake, std::move(*document));
    if (!answered)
      co_return tl::unexpected(answered.error());
    if (!*answered)
      co_return outcome<void>{};
    auto more = co_await await_next(x, wire);
    if (!more)
      co_return tl::unexpected(more.error());
    if (!*more)
      co_return outcome<void>{};
  }
}

/// Whether the server goes on with this connection. That it does not, or says
/// nothing for long, is its way to let go of one.
task<bool> listening_service::impl::await_next(server_link& x, exchange& wire) {
  if (stopping && !x.link->has_unread()) {
    x.link->finish();
    co_return tl::unexpected(worker_stops());
  }
  auto& limits = options.limits;
  x.idle = true;
  auto arrived = co_await x.link->fill(clock::now() + limits.listening_idle,
                                       "NEXT or END");
  x.idle = false;
  if (!arrived && !x.link->cut_reason()
      && (x.link->peer_closed()
          || arrived.error().code == errc::deadline_exceeded))
    co_return false;
  if (!arrived)
    co_return tl::unexpected(arrived.error());
  auto line
    = co_await wire.read_line(clock::now() + limits.control, "NEXT or END");
  if (!line)
    co_return tl::unexpected(line.error());
  if (*line == "END")
    co_return false;
  if (*line != "NEXT")
    co_return fail(errc::protocol_error, "the server sent \"" + printable(*line)
                                           + "\" where NEXT was due");
  // To stop here is harmless: the server tries another connection.
  if (stopping)
    co_return tl::unexpected(worker_stops());
  auto sent = co_await wire.write_line("PROCEED\r\n");
  if (!sent)
    co_return tl::unexpected(sent.error());
  co_return true;
}

void listening_service::impl::tell(link_event::kind what, const server_link& x,
                                   failure reason) {
  telemetry::debug(what == link_event::kind::connected ? "link-connected"
                                                       : "link-lost",
                   {{"server", "listener"},
                    {"connection", x.number},
                    {"reason", reason.text}});
  if (abandoned || !callbacks.on_link)
    return;
  try {
    callbacks.on_link({what, x.number, std::move(reason), {}});
  } catch (const std::exception& e) {
    telemetry::error("link-handler-threw", {{"what", e.what()}});
  }
}

listening_service::listening_service(io_thread& thread, disk::disk_pool& disk,
                                     crypto::identity self,
                                     listening_options options,
                                     service_callbacks callbacks)
  : impl_(std::make_shared<impl>(thread, disk, std::move(self),
                                 std::move(options), std::move(callbacks))) {}

listening_service::~listening_service() {
  auto abandon = [impl = impl_] {
    impl->abandoned = true;
    impl->on_ended.clear();
    impl->stopping = true;
    impl->listener.close();
    impl->cut_all(worker_stops());
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

outcome<std::uint16_t> listening_service::start() {
  return impl_->start();
}

void listening_service::stop(milliseconds patience,
                             std::function<void()> done) {
  impl_->io.gate->post([impl = impl_, patience, done = std::move(done)] {
    impl->stop(patience, done);
  });
}

} // namespace cuttle::halibut
