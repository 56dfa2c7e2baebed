#include "infra/halibut/listening_service.hpp"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <optional>
#include <set>
#include <utility>

#include "infra/halibut/accept_peer.hpp"
#include "infra/halibut/event.hpp"
#include "infra/halibut/limit_names.hpp"
#include "infra/halibut/listener.hpp"
#include "infra/halibut/service_base.hpp"
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
  asio::ip::address from;
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

} // namespace

struct listening_service::impl : service_base {
  using tcp = asio::ip::tcp;

  impl(io_thread& thread, disk::disk_pool& pool, crypto::identity own,
       listening_options opts, service_callbacks calls)
    : service_base(thread, pool, std::move(own), "listener", opts.limits,
                   std::move(calls)),
      options(std::move(opts)), listener(io.context), last_call(io.context) {
    for (auto& x : options.trusted)
      trusted.insert(crypto::normalise_thumbprint(x));
  }

  const listening_options options;
  std::set<std::string> trusted;

  // Everything below is touched on the links' thread only, after `start`.
  halibut::listener listener;
  std::set<std::shared_ptr<server_link>> links;
  unsigned link_counter = 0;
  asio::steady_timer last_call;

  outcome<std::uint16_t> start();
  void finish_idle(milliseconds grace) override;
  void cut_all(const failure& reason) override;
  void at_end() override;
  void refused(const failure& reason);
  void on_socket(tcp::socket socket);
  bool make_place(const asio::ip::address* from);
  asio::awaitable<void> run(std::shared_ptr<server_link> x);
  task<void> transact(server_link& x);
  task<void> serve(server_link& x, exchange& wire);
  task<bool> await_next(server_link& x, exchange& wire);
  void report(link_event::kind what, const server_link& x, failure reason);
};

outcome<std::uint16_t> listening_service::impl::start() {
  if (trusted.empty())
    return fail(errc::invalid_request,
                "no thumbprint of a server is trusted; nobody could connect");
  auto port = listener.open(options.bind, options.port, self, tls);
  if (!port)
    return port;
  auto accepting = [self = std::static_pointer_cast<impl>(shared_from_this())] {
    if (!self->stopping)
      self->spawn(self->listener.accept(
        [self](tcp::socket x) { self->on_socket(std::move(x)); },
        [self](const failure& x) {
          self->log_trouble("accept-failed", x, {});
        }));
  };
  io.gate->post(accepting);
  return port;
}

void listening_service::impl::finish_idle(milliseconds grace) {
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
    auto self = std::static_pointer_cast<impl>(weak.lock());
    if (error || !self)
      return;
    for (auto& x : self->links)
      if (x->due && !x->link->has_unread())
        x->link->finish();
  });
}

void listening_service::impl::cut_all(const failure& reason) {
  for (auto& x : links) {
    x->link->cut(reason);
    x->wake.notify();
  }
}

void listening_service::impl::at_end() {
  last_call.cancel();
}

/// Whoever is refused knocks again: that may not fill the log.
void listening_service::impl::refused(const failure& reason) {
  log_trouble("connection-refused", reason, {});
}

/// Whoever has longest not said who it is gives way to another, so that
/// strangers who only occupy places keep nobody out. `from` limits this to one
/// address; false when there is none.
bool listening_service::impl::make_place(const asio::ip::address* from) {
  std::shared_ptr<server_link> oldest;
  for (auto& x : links)
    if (!x->identified && (!from || x->from == *from)
        && (!oldest || x->number < oldest->number))
      oldest = x;
  if (!oldest)
    return false;
  oldest->link->cut({errc::overloaded, "it had not said who it is while all "
                                       "connections were in use"});
  links.erase(oldest);
  return true;
}

void listening_service::impl::on_socket(tcp::socket socket) {
  if (links.size() >= limits.connections && !make_place(nullptr))
    return refused(
      {errc::overloaded, "there are as many connections as the limit of "
                           + std::to_string(limits.connections) + " allows"
                           + raised_by(raise::connections)});
  error_code gone;
  auto from = socket.remote_endpoint(gone).address();
  auto same = std::count_if(links.begin(), links.end(),
                            [&](auto& x) { return x->from == from; });
  if (static_cast<std::size_t>(same) >= limits.connections_per_peer
      && !make_place(&from))
    return refused(
      {errc::overloaded, from.to_string() + " has its limit of "
                           + std::to_string(limits.connections_per_peer)
                           + " connections already"
                           + raised_by(raise::peer_connections)});
  auto x = std::make_shared<server_link>(io.context, link_counter++);
  x->from = from;
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
    report(link_event::kind::disconnected, *x, std::move(reason));
  else if (!result && !stopping)
    refused(reason);
}

/// One connection from its acceptance to its end, which may be a good one.
task<void> listening_service::impl::transact(server_link& x) {
  exchange wire{io, disk, limits, options.spool, x.link};
  auto who = co_await accept_peer(wire, trusted, limits, "server");
  if (!who)
    co_return tl::unexpected(who.error());
  if (!*who)
    co_return outcome<void>{};
  if ((*who)->identity.role != peer_role::client)
    co_return fail(errc::protocol_error,
                   "a peer that is no server was refused");
  auto line = format_identity({peer_role::server, {}});
  auto hello = co_await x.link->write(line, limits.control);
  if (!hello)
    co_return hello;
  x.identified = true;
  report(link_event::kind::connected, x, {});
  co_return co_await serve(x, wire);
}

task<void> listening_service::impl::serve(server_link& x, exchange& wire) {
  for (;;) {
    auto answered = co_await requests.serve_one(
      wire, x.wake, x.due, limits.listening_request_wait, "a request",
      raise::listening_wait);
    // A server that has no more to ask just closes.
    if (!answered && x.due && x.link->peer_closed())
      co_return outcome<void>{};
    if (!answered)
      co_return tl::unexpected(answered.error());
    if (!answered->request)
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

void listening_service::impl::report(link_event::kind what,
                                     const server_link& x, failure reason) {
  telemetry::debug(
    what == link_event::kind::connected ? "link-connected" : "link-lost",
    {{"server", peer}, {"connection", x.number}, {"reason", reason.text}});
  tell({what, x.number, std::move(reason), {}});
}

listening_service::listening_service(io_thread& thread, disk::disk_pool& disk,
                                     crypto::identity self,
                                     listening_options options,
                                     service_callbacks callbacks)
  : impl_(std::make_shared<impl>(thread, disk, std::move(self),
                                 std::move(options), std::move(callbacks))) {}

listening_service::~listening_service() {
  abandon(impl_);
}

outcome<std::uint16_t> listening_service::start() {
  return impl_->start();
}

void listening_service::stop(milliseconds patience,
                             std::function<void()> done) {
  post_stop(impl_, patience, std::move(done));
}

} // namespace cuttle::halibut
