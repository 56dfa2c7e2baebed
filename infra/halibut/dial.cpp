#include "infra/halibut/dial.hpp"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <optional>
#include <string>
#include <vector>

#include "infra/halibut/limit_names.hpp"
#include "infra/halibut/preamble.hpp"
#include "infra/halibut/proxy.hpp"

namespace cuttle::halibut {

namespace asio = boost::asio;

using asio::ip::tcp;
using boost::system::error_code;

namespace {

using addresses = std::vector<tcp::endpoint>;

/// What a failure says, besides what happened.
struct words {
  /// Who dials.
  const char* self;
  /// After another certificate than expected.
  const char* new_certificate;
  /// After a handshake that failed.
  const char* handshake;
  /// What is waited for after it.
  const char* identity;
  /// After the end of the connection before that.
  const char* silent_end;
  /// In the place of a peer of the right role.
  const char* other_role;
  /// The code of `silent_end`: whether another attempt may well succeed.
  errc silent_code;
};

const words& words_of(dialled what) {
  static const words server{
    "this worker",
    "; register the worker again if the server's certificate was changed on "
    "purpose",
    "; is that a polling port, and is nothing between that ends TLS?",
    "the server's identity",
    ", or has its limit of connections",
    " is no Halibut server for workers",
    errc::forbidden};
  static const words worker{
    "this server",
    "; give the server the new one if the worker's certificate was changed on "
    "purpose",
    "; is that the port of a listening worker, and is nothing between that "
    "ends TLS?",
    "the worker's identity",
    ", has its limit of connections, or stops",
    " is no listening worker",
    errc::unavailable};
  return what == dialled::server ? server : worker;
}

/// One look-up. It may outlive the wait for it, since the system's resolver
/// cannot be interrupted.
struct lookup {
  explicit lookup(asio::io_context& context) : resolver(context) {}
  tcp::resolver resolver;
  std::optional<outcome<addresses>> result;
  event* waiter = nullptr;
};

/// The addresses of a host, IPv6 and IPv4 in the system's order.
task<addresses> resolve(asio::io_context& context, transport& link, event& wake,
                        std::string host, std::uint16_t port,
                        transport::time_point until) {
  error_code error;
  auto address = asio::ip::make_address(host, error);
  if (!error) {
    addresses one(1, tcp::endpoint{address, port});
    co_return one;
  }
  auto state = std::make_shared<lookup>(context);
  state->resolver.async_resolve(
    host, std::to_string(port),
    [state, host](const error_code& failed, tcp::resolver::results_type found) {
      if (failed) {
        state->result
          = fail(errc::unavailable, "cannot resolve the host name " + host
                                      + ": " + failed.message());
      } else {
        addresses list;
        for (const auto& x : found)
          list.push_back(x.endpoint());
        state->result = std::move(list);
      }
      if (state->waiter)
        state->waiter->notify();
    });
  state->waiter = &wake;
  while (!state->result && !link.cut_reason()
         && transport::clock::now() < until)
    co_await wake.wait(until);
  state->waiter = nullptr;
  if (link.cut_reason())
    co_return tl::unexpected(*link.cut_reason());
  if (!state->result) {
    state->resolver.cancel();
    co_return fail(errc::deadline_exceeded,
                   "timed out waiting for the address of the host " + host);
  }
  co_return std::move(*state->result);
}

/// Connects to the first address that answers; each gets its share of the time.
task<void> connect(transport& link, const addresses& list,
                   const std::string& name, transport::time_point until) {
  failure last{errc::unavailable, "the host name has no address"};
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto now = transport::clock::now();
    auto share = (until - now) / static_cast<int>(list.size() - i);
    auto ok = co_await link.connect(list[i], now + share);
    if (ok)
      co_return ok;
    last = ok.error();
    if (link.cut_reason())
      break;
  }
  if (!link.cut_reason())
    last.text = "cannot connect to " + name + ": " + last.text;
  co_return tl::unexpected(last);
}

/// Asks the proxy for a tunnel. The answer is read byte by byte, so that
/// nothing of the tunnel is taken.
task<void> open_tunnel(transport& link, const server_endpoint& peer,
                       const proxy_settings& proxy,
                       const halibut::limits& limits) {
  auto request = format_connect(peer, proxy);
  auto sent
    = co_await link.write_plain(request, transport::clock::now() + limits.io);
  if (!sent)
    co_return sent;
  std::string head;
  while (!head.ends_with("\r\n\r\n")) {
    if (head.size() >= proxy_answer_bytes)
      co_return fail(errc::protocol_error,
                     "the proxy's answer has no end within "
                       + std::to_string(proxy_answer_bytes) + " bytes");
    auto c = co_await link.read_plain(transport::clock::now() + limits.proxy);
    if (!c)
      co_return tl::unexpected(limited(c.error(), limits.proxy, raise::proxy));
    head += *c;
  }
  co_return check_connect_answer(head);
}

failure describe_handshake(const failure& reason, const transport& link,
                           const tls_trust& trust, const std::string& name,
                           const words& say) {
  if (link.cut_reason())
    return reason;
  if (!trust.seen.empty() && reason.code == errc::protocol_error) {
    std::string pinned;
    auto trusted = false;
    for (auto& x : trust.pinned) {
      trusted = trusted || x == trust.seen;
      pinned += (pinned.empty() ? "" : ", ") + x;
    }
    if (!trusted)
      return {errc::forbidden, "the certificate of " + name
                                 + " has the thumbprint " + trust.seen
                                 + ", but " + say.self + " trusts " + pinned
                                 + say.new_certificate};
  }
  if (link.peer_closed())
    return {errc::unavailable, name
                                 + " closed the connection during the TLS "
                                   "handshake"
                                 + say.handshake};
  if (reason.code == errc::protocol_error)
    return {reason.code, reason.text + " (" + name + ")" + say.handshake};
  return {reason.code, reason.text + " (" + name + ")"};
}

} // namespace

task<void> dial(asio::io_context& context, transport& link, event& wake,
                const server_endpoint& peer, dialled what,
                const halibut::limits& limits) {
  auto until = transport::clock::now() + limits.connect;
  auto& host = peer.proxy ? peer.proxy->host : peer.host;
  auto port = peer.proxy ? peer.proxy->port : peer.port;
  auto name = peer.proxy ? "the proxy " + host + ":" + std::to_string(port)
                         : peer.name();
  if (host.find("://") != std::string::npos)
    co_return fail(errc::invalid_request,
                   "a proxy host is a name or an address, without \"://\"");
  auto list = co_await resolve(context, link, wake, host, port, until);
  if (!list)
    co_return tl::unexpected(list.error());
  auto connected = co_await connect(link, *list, name, until);
  if (!connected)
    co_return tl::unexpected(
      limited(connected.error(), limits.connect, raise::connect));
  if (peer.proxy) {
    auto tunnel = co_await open_tunnel(link, peer, *peer.proxy, limits);
    if (!tunnel)
      co_return tunnel;
  }
  for (auto& x : peer.thumbprints)
    link.trust().pinned.push_back(crypto::normalise_thumbprint(x));
  set_server_name(link.tls(), peer.host);
  auto secured = co_await link.handshake(false, transport::clock::now()
                                                  + limits.handshake);
  if (!secured)
    co_return tl::unexpected(
      limited(describe_handshake(secured.error(), link, link.trust(),
                                 peer.name(), words_of(what)),
              limits.handshake, raise::handshake));
  co_return outcome<void>{};
}

task<void> introduce(exchange& wire, const peer_identity& self,
                     const std::string& thumbprint, const server_endpoint& peer,
                     dialled what, const halibut::limits& limits) {
  auto& link = wire.link();
  auto& say = words_of(what);
  auto sent = co_await link.write(preamble, limits.control);
  if (!sent)
    co_return sent;
  auto line = format_identity(self);
  sent = co_await link.write(line, limits.control);
  if (!sent)
    co_return sent;
  auto found = co_await wire.read_identity(
    transport::clock::now() + limits.handshake, say.identity);
  if (!found && link.peer_closed() && !link.cut_reason())
    co_return fail(say.silent_code,
                   peer.name()
                     + " closed the connection before it identified itself; "
                       "probably it does not trust "
                     + say.self + "'s thumbprint " + thumbprint
                     + say.silent_end);
  if (!found)
    co_return tl::unexpected(
      limited(found.error(), limits.handshake, raise::handshake));
  if (found->role != peer_role::server)
    co_return fail(errc::protocol_error, peer.name() + say.other_role);
  co_return outcome<void>{};
}

} // namespace cuttle::halibut
