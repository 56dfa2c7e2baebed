#include "infra/telemetry/http_endpoint.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>

#include "infra/http_server/sessions.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle::telemetry {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using http_server::session_ptr;

namespace {

// Requests have a path and a handful of headers.
constexpr std::uint32_t header_bytes = 8 * 1024;

// A probe's text becomes one line of bounded length.
constexpr std::size_t line_bytes = 1'024;

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
  impl(halibut::io_thread& thread, http_endpoint::options opts,
       http_endpoint_callbacks cbs)
    : settings(std::move(opts)),
      clients(std::make_shared<http_server::sessions>(
        thread, settings.connections, "http")),
      callbacks(std::move(cbs)) {}

  http_endpoint::options settings;
  std::shared_ptr<http_server::sessions> clients;

  // Held while a callback runs, so that none runs after the destructor. It may
  // be taken again by a callback that destroys the endpoint.
  std::recursive_mutex mutex;
  http_endpoint_callbacks callbacks;

  outcome<std::uint16_t> listen();
  void close();
  asio::awaitable<void> serve(session_ptr client);
  asio::awaitable<answer> respond(std::string path);
  asio::awaitable<answer> ask(std::function<void(probe_reply)> probe);
  answer render();
};

outcome<std::uint16_t> http_endpoint::impl::listen() {
  auto port = clients->bind(settings.bind, settings.port);
  if (!port)
    return fail(port.error().code,
                "The probe endpoint " + port.error().text + ".");
  clients->start(http_server::while_it_lives(weak_from_this(), &impl::serve));
  return port;
}

void http_endpoint::impl::close() {
  {
    std::lock_guard lock{mutex};
    callbacks = {};
  }
  clients->close();
}

asio::awaitable<void> http_endpoint::impl::serve(session_ptr client) {
  auto self = shared_from_this();
  auto& stream = client->stream;
  beast::flat_buffer buffer{2 * header_bytes};
  auto go_on = true;
  while (go_on && !clients->closed()) {
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
  stream.socket().shutdown(asio::socket_base::shutdown_send, ignored);
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
  auto result
    = std::make_shared<http_server::promised<probe_result>>(clients->context());
  auto reply = result->deliverer(clients->gate());
  {
    std::lock_guard lock{mutex};
    if (clients->closed() || !probe)
      co_return line(http::status::service_unavailable,
                     "There is nobody to ask; the worker starts or ends.");
    try {
      probe(std::move(reply));
    } catch (const std::exception& e) {
      co_return line(http::status::service_unavailable,
                     std::string{"The probe failed: "} + e.what());
    }
  }
  auto told = co_await result->wait(settings.probe_timeout);
  if (!told)
    co_return line(http::status::service_unavailable,
                   "The probe was not answered within "
                     + std::to_string(settings.probe_timeout.count()) + " ms.");
  co_return to_answer(std::move(*told));
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
