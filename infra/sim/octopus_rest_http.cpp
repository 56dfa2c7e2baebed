#include "infra/sim/octopus_rest_http.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <pthread.h>
#include <thread>

#include "infra/telemetry/log.hpp"

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
using tcp = boost::asio::ip::tcp;

namespace cuttle::sim {

namespace {

constexpr auto as_values = asio::as_tuple(asio::use_awaitable);
constexpr std::uint64_t max_body = 4 * 1024 * 1024;
constexpr std::chrono::seconds idle_limit{120};

using tls_stream = beast::ssl_stream<beast::tcp_stream>;

std::string lower(std::string_view text) {
  std::string result{text};
  for (auto& c : result)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return result;
}

} // namespace

struct octopus_rest_http::impl {
  explicit impl(std::function<rest_reply(const rest_request&)> f)
    : handle(std::move(f)) {}

  asio::awaitable<void> accept() {
    for (;;) {
      auto [error, socket] = co_await acceptor.async_accept(as_values);
      if (error)
        co_return;
      asio::co_spawn(io, serve(std::move(socket)), asio::detached);
    }
  }

  asio::awaitable<void> serve(tcp::socket socket) {
    tls_stream stream{beast::tcp_stream{std::move(socket)}, tls};
    auto& layer = beast::get_lowest_layer(stream);
    layer.expires_after(idle_limit);
    auto [error]
      = co_await stream.async_handshake(tls_stream::server, as_values);
    if (error)
      co_return;
    beast::flat_buffer buffer;
    while (co_await serve_one(stream, buffer)) {
    }
  }

  asio::awaitable<bool> serve_one(tls_stream& stream,
                                  beast::flat_buffer& buffer) {
    http::request_parser<http::string_body> parser;
    parser.body_limit(max_body);
    beast::get_lowest_layer(stream).expires_after(idle_limit);
    auto [error, size]
      = co_await http::async_read(stream, buffer, parser, as_values);
    if (error)
      co_return false;
    const auto& message = parser.get();
    rest_request request;
    request.method = std::string{message.method_string()};
    request.target = std::string{message.target()};
    request.body = message.body();
    for (auto& field : message)
      request.headers[lower(
        {field.name_string().data(), field.name_string().size()})]
        = std::string{field.value()};
    auto reply = handle(request);
    if (reply.silent) {
      // Until the client gives up.
      char byte;
      auto [gone, count]
        = co_await stream.async_read_some(asio::buffer(&byte, 1), as_values);
      (void)gone;
      (void)count;
      co_return false;
    }
    if (reply.cut)
      co_return false;
    co_return co_await send(stream, reply, message.keep_alive());
  }

  asio::awaitable<bool> send(tls_stream& stream, const rest_reply& reply,
                             bool keep) {
    http::response<http::string_body> response{
      static_cast<http::status>(reply.status), 11};
    response.set(http::field::content_type, reply.content_type);
    for (const auto& [name, value] : reply.headers)
      response.insert(name, value);
    response.body() = reply.body;
    response.keep_alive(keep);
    response.prepare_payload();
    auto [error, size]
      = co_await http::async_write(stream, response, as_values);
    co_return !error && keep;
  }

  void run() {
    pthread_setname_np(pthread_self(), "octopus-rest");
    for (;;) {
      try {
        io.run();
        return;
      } catch (const std::exception& e) {
        telemetry::error("embedded-octopus-rest-threw", {{"what", e.what()}});
      }
    }
  }

  std::function<rest_reply(const rest_request&)> handle;
  ssl::context tls{ssl::context::tls_server};
  asio::io_context io{1};
  tcp::acceptor acceptor{io};
  std::thread thread;
};

octopus_rest_http::octopus_rest_http(
  std::function<rest_reply(const rest_request&)> handle)
  : impl_(std::make_unique<impl>(std::move(handle))) {}

octopus_rest_http::~octopus_rest_http() {
  stop();
}

void octopus_rest_http::stop() {
  impl_->io.stop();
  if (impl_->thread.joinable())
    impl_->thread.join();
}

outcome<std::uint16_t>
octopus_rest_http::start(const rest_certificate& certificate) {
  try {
    auto& tls = impl_->tls;
    tls.set_options(ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
    tls.use_certificate_chain(asio::buffer(certificate.certificate_pem));
    tls.use_private_key(asio::buffer(certificate.key_pem), ssl::context::pem);
    auto& acceptor = impl_->acceptor;
    acceptor.open(tcp::v4());
    acceptor.bind({asio::ip::address_v4::loopback(), 0});
    acceptor.listen(64);
    auto port = acceptor.local_endpoint().port();
    asio::co_spawn(impl_->io, impl_->accept(), asio::detached);
    impl_->thread = std::thread{[this] { impl_->run(); }};
    return port;
  } catch (const std::exception& e) {
    return fail(errc::unavailable,
                std::string{"The embedded REST API cannot listen: "}
                  + e.what());
  }
}

} // namespace cuttle::sim
