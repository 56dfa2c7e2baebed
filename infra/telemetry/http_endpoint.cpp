#include "infra/telemetry/http_endpoint.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <exception>
#include <fcntl.h>
#include <list>
#include <mutex>
#include <optional>
#include <utility>

#include "infra/halibut/io_thread_impl.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle::telemetry {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

// Requests have a path and a handful of headers.
constexpr std::uint32_t header_bytes = 8 * 1024;

// Pause after a failed accept, such as for want of file descriptors.
constexpr std::chrono::milliseconds accept_pause{100};

// A probe's text becomes one line of bounded length.
constexpr std::size_t line_bytes = 1'024;

// Asio does not do it; a child process would keep port and connections.
void keep_from_children(int descriptor) {
  ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

struct answer {
  http::status status = http::status::ok;
  std::string body;
  const char* type = "text/plain; charset=utf-8";
};

std::string one_line(std::string text) {
  if (text.size() > line_bytes)
    text.resize(line_bytes);
  for (auto& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = ' ';
  text += '\n';
  return text;
}

answer line(http::status status, std::string text) {
  return {status, one_line(std::move(text))};
}

answer to_answer(probe_result result) {
  return line(result.ok ? http::status::ok : http::status::service_unavailable,
              std::move(result.text));
}

// Why a request could not be read; nothing if there is nobody to tell.
std::optional<answer> why_unreadable(const error_code& ec) {
  if (ec == http::error::end_of_stream || ec == http::error::partial_message)
    return {};
  if (ec == http::error::header_limit || ec == http::error::buffer_overflow)
    return line(http::status::bad_request,
                "The request's header is larger than "
                  + std::to_string(header_bytes) + " bytes.");
  if (ec.category() == make_error_code(http::error::bad_method).category())
    return line(http::status::bad_request,
                "This is no HTTP/1.1 request: " + ec.message() + ".");
  return {};
}

} // namespace

struct http_endpoint::impl : std::enable_shared_from_this<impl> {
  struct session {
    explicit session(tcp::socket socket) : stream(std::move(socket)) {}
    beast::tcp_stream stream;
    // Whether a whole request was read and its response is not yet written.
    bool serving = false;
  };

  using session_ptr = std::shared_ptr<session>;

  // A probe's result on its way; used on the links' thread only.
  struct pending_probe {
    explicit pending_probe(asio::io_context& context) : timer(context) {}
    asio::steady_timer timer;
    std::optional<probe_result> result;
  };

  impl(halibut::io_thread& thread, http_endpoint::options opts,
       http_endpoint_callbacks cbs)
    : context(thread.get().context), gate(thread.get().gate),
      settings(std::move(opts)), acceptor(context), callbacks(std::move(cbs)) {}

  asio::io_context& context;
  std::shared_ptr<halibut::io_gate> gate;
  http_endpoint::options settings;
  tcp::acceptor acceptor;
  std::list<session_ptr> sessions;

  // Held while a callback runs, so that none runs after the destructor. It may
  // be taken again by a callback that destroys the endpoint.
  std::recursive_mutex mutex;
  bool closed = false;
  http_endpoint_callbacks callbacks;

  outcome<std::uint16_t> listen();
  void close();
  void admit(tcp::socket socket);
  bool is_closed();
  asio::awaitable<void> accept_all();
  asio::awaitable<void> serve(session_ptr client);
  asio::awaitable<answer> respond(std::string path);
  asio::awaitable<answer> ask(std::function<void(probe_reply)> probe);
  answer render();
};

outcome<std::uint16_t> http_endpoint::impl::listen() {
  auto where = settings.bind + ":" + std::to_string(settings.port);
  error_code ec;
  auto address = asio::ip::make_address(settings.bind, ec);
  if (ec)
    return fail(errc::invalid_request, "The probe endpoint's address "
                                         + settings.bind
                                         + " is no IP address.");
  if (acceptor.is_open())
    return fail(errc::conflict, "The probe endpoint was started already.");
  tcp::endpoint endpoint{address, settings.port};
  acceptor.open(endpoint.protocol(), ec);
  if (!ec)
    keep_from_children(acceptor.native_handle());
  if (!ec)
    acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec)
    acceptor.bind(endpoint, ec);
  if (!ec)
    acceptor.listen(asio::socket_base::max_listen_connections, ec);
  std::uint16_t port = 0;
  if (!ec)
    port = acceptor.local_endpoint(ec).port();
  if (ec) {
    error_code ignored;
    acceptor.close(ignored);
    return fail(errc::unavailable, "The probe endpoint cannot listen at "
                                     + where + ": " + ec.message() + ".");
  }
  asio::co_spawn(
    context, [self = shared_from_this()] { return self->accept_all(); },
    asio::detached);
  return port;
}

bool http_endpoint::impl::is_closed() {
  std::lock_guard lock{mutex};
  return closed;
}

void http_endpoint::impl::close() {
  {
    std::lock_guard lock{mutex};
    closed = true;
    callbacks = {};
  }
  gate->post([self = shared_from_this()] {
    error_code ignored;
    self->acceptor.close(ignored);
    for (auto& client : self->sessions)
      client->stream.close();
  });
}

void http_endpoint::impl::admit(tcp::socket socket) {
  // Who has a request in hand is let finish; a client that only holds its
  // connection open must not keep a probe out.
  if (sessions.size() >= settings.connections) {
    auto idle = sessions.begin();
    while (idle != sessions.end() && (*idle)->serving)
      ++idle;
    if (idle == sessions.end()) {
      debug("http-connection-refused", {{"connections", sessions.size()}});
      return;
    }
    (*idle)->stream.close();
    sessions.erase(idle);
  }
  keep_from_children(socket.native_handle());
  auto client = std::make_shared<session>(std::move(socket));
  sessions.push_back(client);
  asio::co_spawn(
    context,
    [self = shared_from_this(), client] { return self->serve(client); },
    [self = shared_from_this(), client](std::exception_ptr) {
      self->sessions.remove(client);
    });
}

asio::awaitable<void> http_endpoint::impl::accept_all() {
  auto self = shared_from_this();
  while (!is_closed()) {
    error_code ec;
    auto socket = co_await acceptor.async_accept(
      asio::redirect_error(asio::use_awaitable, ec));
    if (!acceptor.is_open())
      co_return;
    if (!ec) {
      admit(std::move(socket));
      continue;
    }
    warn("http-accept-failed", {{"reason", ec.message()}});
    asio::steady_timer pause{context, accept_pause};
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ec));
  }
}

asio::awaitable<void> http_endpoint::impl::serve(session_ptr client) {
  auto self = shared_from_this();
  auto& stream = client->stream;
  beast::flat_buffer buffer{2 * header_bytes};
  auto go_on = true;
  while (go_on && !is_closed()) {
    http::request_parser<http::empty_body> parser;
    parser.header_limit(header_bytes);
    parser.body_limit(boost::none);
    error_code ec;
    client->serving = false;
    stream.expires_after(settings.request_timeout);
    co_await http::async_read_header(
      stream, buffer, parser, asio::redirect_error(asio::use_awaitable, ec));
    client->serving = true;
    std::optional<answer> result;
    auto head = false;
    if (ec) {
      result = why_unreadable(ec);
      if (!result)
        co_return;
      go_on = false;
    } else {
      auto& request = parser.get();
      auto target = std::string{request.target()};
      target.resize(std::min(target.size(), target.find('?')));
      head = request.method() == http::verb::head;
      go_on = request.keep_alive();
      if (parser.chunked() || parser.content_length().value_or(0) > 0) {
        result = line(http::status::bad_request, "A request has no body here.");
        go_on = false;
      } else if (request.method() != http::verb::get && !head) {
        result = line(http::status::method_not_allowed,
                      "Only GET and HEAD are allowed here.");
      } else {
        result = co_await respond(std::move(target));
      }
    }
    http::response<http::string_body> response{result->status, 11};
    response.set(http::field::content_type, result->type);
    response.set(http::field::cache_control, "no-store");
    if (result->status == http::status::method_not_allowed)
      response.set(http::field::allow, "GET, HEAD");
    response.keep_alive(go_on);
    response.content_length(result->body.size());
    if (!head)
      response.body() = std::move(result->body);
    stream.expires_after(settings.request_timeout);
    co_await http::async_write(stream, response,
                               asio::redirect_error(asio::use_awaitable, ec));
    if (ec)
      co_return;
  }
  error_code ignored;
  stream.socket().shutdown(tcp::socket::shutdown_send, ignored);
}

asio::awaitable<answer> http_endpoint::impl::respond(std::string path) {
  std::function<void(probe_reply)> probe;
  {
    std::lock_guard lock{mutex};
    if (path == "/metrics")
      co_return render();
    if (path == "/healthz")
      probe = callbacks.health;
    else if (path == "/readyz")
      probe = callbacks.ready;
    else
      co_return line(http::status::not_found,
                     "There are /healthz, /readyz and /metrics here.");
  }
  co_return co_await ask(std::move(probe));
}

answer http_endpoint::impl::render() {
  if (!callbacks.metrics)
    return line(http::status::service_unavailable, "There are no metrics.");
  try {
    return {http::status::ok, callbacks.metrics(),
            "text/plain; version=0.0.4; charset=utf-8"};
  } catch (const std::exception& e) {
    error("metrics-failed", {{"reason", e.what()}});
    return line(http::status::service_unavailable,
                std::string{"The metrics could not be collected: "} + e.what());
  }
}

asio::awaitable<answer>
http_endpoint::impl::ask(std::function<void(probe_reply)> probe) {
  auto pending = std::make_shared<pending_probe>(context);
  pending->timer.expires_after(settings.probe_timeout);
  // Weak, because the callee may hold the reply longer than the loop lives.
  auto reply = [to = gate, weak = std::weak_ptr<pending_probe>{pending}](
                 probe_result result) {
    to->post([weak, result = std::move(result)]() mutable {
      auto waiting = weak.lock();
      if (!waiting || waiting->result)
        return;
      waiting->result = std::move(result);
      waiting->timer.cancel();
    });
  };
  {
    std::lock_guard lock{mutex};
    if (closed || !probe)
      co_return line(http::status::service_unavailable,
                     "There is nobody to ask; the worker starts or ends.");
    try {
      probe(std::move(reply));
    } catch (const std::exception& e) {
      co_return line(http::status::service_unavailable,
                     std::string{"The probe failed: "} + e.what());
    }
  }
  error_code ignored;
  co_await pending->timer.async_wait(
    asio::redirect_error(asio::use_awaitable, ignored));
  if (!pending->result)
    co_return line(http::status::service_unavailable,
                   "The probe was not answered within "
                     + std::to_string(settings.probe_timeout.count()) + " ms.");
  co_return to_answer(std::move(*pending->result));
}

http_endpoint::http_endpoint(halibut::io_thread& thread, options options,
                             http_endpoint_callbacks callbacks)
  : impl_(
    std::make_shared<impl>(thread, std::move(options), std::move(callbacks))) {}

http_endpoint::~http_endpoint() {
  impl_->close();
}

outcome<std::uint16_t> http_endpoint::start() {
  return impl_->listen();
}

} // namespace cuttle::telemetry
