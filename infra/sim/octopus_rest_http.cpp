#include "infra/sim/octopus_rest_http.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>

#include "infra/sim/tls_listener.hpp"

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = boost::asio::ip::tcp;

namespace cuttle::sim {

namespace {

constexpr std::uint64_t max_body = 4 * 1024 * 1024;
constexpr std::chrono::seconds idle_limit{120};

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
      auto [error, socket] = co_await server.acceptor.async_accept(as_values);
      if (error)
        co_return;
      asio::co_spawn(server.io, serve(std::move(socket)), asio::detached);
    }
  }

  asio::awaitable<void> serve(tcp::socket socket) {
    tls_stream stream{beast::tcp_stream{std::move(socket)}, server.tls};
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
    http_answer answer{reply.status, reply.content_type, reply.headers,
                       reply.body};
    auto keep = message.keep_alive();
    auto sent = co_await send_answer(stream, std::move(answer), keep);
    co_return sent&& keep;
  }

  std::function<rest_reply(const rest_request&)> handle;
  tls_listener server{"octopus-rest"};
};

octopus_rest_http::octopus_rest_http(
  std::function<rest_reply(const rest_request&)> handle)
  : impl_(std::make_unique<impl>(std::move(handle))) {}

octopus_rest_http::~octopus_rest_http() {
  stop();
}

void octopus_rest_http::stop() {
  impl_->server.stop();
}

outcome<std::uint16_t>
octopus_rest_http::start(const rest_certificate& certificate) {
  return impl_->server.start(certificate.certificate_pem, certificate.key_pem,
                             64, [this] { return impl_->accept(); });
}

} // namespace cuttle::sim
