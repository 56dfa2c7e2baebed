#include "infra/web/local_site.hpp"

#include <array>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <exception>
#include <mutex>
#include <openssl/rand.h>
#include <optional>
#include <stdexcept>
#include <utility>

#include "infra/http_server/sessions.hpp"
#include "infra/telemetry/log.hpp"
#include "infra/web/admission.hpp"

namespace cuttle::web {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using http_server::session;
using http_server::session_ptr;

namespace {

constexpr std::size_t read_bytes = 8 * 1024;
constexpr std::size_t page_bytes = 64;

// Nothing from elsewhere, no inline code, nobody's frame, nothing kept.
constexpr std::array<std::pair<const char*, const char*>, 7> strict_headers{{
  {"Content-Security-Policy",
   "default-src 'none'; script-src 'self'; style-src 'self'; connect-src "
   "'self'; img-src 'self'; base-uri 'none'; form-action 'none'; "
   "frame-ancestors 'none'"},
  {"X-Content-Type-Options", "nosniff"},
  {"X-Frame-Options", "DENY"},
  {"Referrer-Policy", "no-referrer"},
  {"Cross-Origin-Opener-Policy", "same-origin"},
  {"Cross-Origin-Resource-Policy", "same-origin"},
  {"Cache-Control", "no-store"},
}};

struct answer {
  unsigned status = 200;
  std::string type;
  std::string body;
};

// Texts are our own or a library's: nothing in them needs to be escaped.
answer error_answer(unsigned status, const std::string& text) {
  std::string clean;
  for (char c : text)
    if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\')
      clean += c;
  return {status, "application/json", "{\"error\":\"" + clean + "\"}"};
}

// The one value of a field; empty when it is not there or there twice.
template <class Fields>
std::string only(const Fields& fields, std::string_view name) {
  if (fields.count({name.data(), name.size()}) != 1)
    return {};
  return std::string{fields[{name.data(), name.size()}]};
}

} // namespace

struct local_site::impl : std::enable_shared_from_this<impl> {
  using parser = http::request_parser<http::string_body>;

  impl(halibut::io_thread& thread, local_site::options opts, handler handle)
    : settings(std::move(opts)),
      clients(std::make_shared<http_server::sessions>(
        thread, settings.connections, "page")),
      handle_(std::move(handle)) {}

  local_site::options settings;
  admission_rules rules;
  std::shared_ptr<http_server::sessions> clients;

  // Held while the handler runs, so that it does not after the destructor.
  std::recursive_mutex mutex;
  handler handle_;

  outcome<std::uint16_t> listen();
  void close();
  asio::awaitable<void> serve(session_ptr client);
  asio::awaitable<bool> serve_one(session_ptr client,
                                  beast::flat_buffer& buffer);
  asio::awaitable<std::optional<answer>>
  read_and_answer(session& client, beast::flat_buffer& buffer, parser& in);
  asio::awaitable<answer> call(site_call what);
  answer file(const std::string& path) const;
};

outcome<std::uint16_t> local_site::impl::listen() {
  auto port = clients->bind("127.0.0.1", settings.port);
  if (!port)
    return fail(port.error().code, "The page " + port.error().text
                                     + ". Choose another port, or 0 for any.");
  rules = {*port, settings.token};
  clients->start(http_server::while_it_lives(weak_from_this(), &impl::serve));
  return port;
}

void local_site::impl::close() {
  {
    std::lock_guard lock{mutex};
    handle_ = {};
  }
  clients->close();
}

asio::awaitable<void> local_site::impl::serve(session_ptr client) {
  auto self = shared_from_this();
  beast::flat_buffer buffer{settings.header_bytes + read_bytes};
  while (!clients->closed() && co_await serve_one(client, buffer)) {
  }
  error_code ignored;
  client->stream.socket().shutdown(asio::socket_base::shutdown_send, ignored);
}

asio::awaitable<bool> local_site::impl::serve_one(session_ptr client,
                                                  beast::flat_buffer& buffer) {
  auto& stream = client->stream;
  error_code ec;
  client->serving = false;
  if (buffer.size() == 0) {
    stream.expires_after(settings.idle_timeout);
    auto count = co_await stream.async_read_some(
      buffer.prepare(read_bytes),
      asio::redirect_error(asio::use_awaitable, ec));
    if (ec)
      co_return false;
    buffer.commit(count);
  }
  client->serving = true;
  parser in;
  in.header_limit(settings.header_bytes);
  in.body_limit(settings.body_bytes);
  stream.expires_after(settings.request_timeout);
  auto result = co_await read_and_answer(*client, buffer, in);
  if (!result)
    co_return false;
  // What was not read to its end can not be followed by another request.
  auto go_on = in.is_done() && in.get().keep_alive();
  http::response<http::string_body> response;
  response.version(11);
  response.result(result->status);
  for (auto& [name, value] : strict_headers)
    response.set(name, value);
  if (!result->type.empty())
    response.set(http::field::content_type, result->type);
  response.keep_alive(go_on);
  response.content_length(result->body.size());
  if (in.get().method() != http::verb::head)
    response.body() = std::move(result->body);
  stream.expires_after(settings.request_timeout);
  co_await http::async_write(stream, response,
                             asio::redirect_error(asio::use_awaitable, ec));
  co_return !ec && go_on;
}

asio::awaitable<std::optional<answer>>
local_site::impl::read_and_answer(session& client, beast::flat_buffer& buffer,
                                  parser& in) {
  error_code ec;
  co_await http::async_read_header(
    client.stream, buffer, in, asio::redirect_error(asio::use_awaitable, ec));
  if (ec == http::error::header_limit || ec == http::error::buffer_overflow)
    co_return error_answer(431, "The request's header is too large.");
  if (ec == http::error::body_limit)
    co_return error_answer(413, "A call has at most "
                                  + std::to_string(settings.body_bytes)
                                  + " bytes.");
  if (ec && ec.category() == make_error_code(http::error::bad_method).category()
      && ec != http::error::end_of_stream && ec != http::error::partial_message)
    co_return error_answer(400, "This is no HTTP/1.1 request.");
  if (ec)
    co_return std::nullopt;
  const auto& request = in.get();
  request_head head;
  head.method = std::string{request.method_string()};
  head.path = std::string{request.target()};
  head.path.resize(std::min(head.path.size(), head.path.find('?')));
  head.host = only(request, "Host");
  head.origin = only(request, "Origin");
  head.fetch_site = only(request, "Sec-Fetch-Site");
  head.content_type = only(request, "Content-Type");
  head.token = only(request, "X-Cuttle-Token");
  if (auto why = refuse(head, rules))
    co_return error_answer(static_cast<unsigned>(why->status), why->text);
  site_call what{head.path, {}, only(request, "X-Cuttle-Page")};
  if (what.page.size() > page_bytes)
    co_return error_answer(400, "X-Cuttle-Page is too long.");
  co_await http::async_read(client.stream, buffer, in,
                            asio::redirect_error(asio::use_awaitable, ec));
  if (ec == http::error::body_limit)
    co_return error_answer(413, "A call has at most "
                                  + std::to_string(settings.body_bytes)
                                  + " bytes.");
  if (ec)
    co_return std::nullopt;
  if (!head.path.starts_with(call_prefix))
    co_return file(head.path);
  what.name.erase(0, call_prefix.size());
  what.body = std::move(in.get().body());
  // A call may take longer than reading it.
  client.stream.expires_never();
  co_return co_await call(std::move(what));
}

answer local_site::impl::file(const std::string& path) const {
  for (auto& x : settings.files)
    if (x.path == path)
      return {200, x.type, std::string{x.content}};
  return {404, "text/plain; charset=utf-8", "There is no such file.\n"};
}

asio::awaitable<answer> local_site::impl::call(site_call what) {
  auto result
    = std::make_shared<http_server::promised<site_reply>>(clients->context());
  auto deliver = result->deliverer(clients->gate());
  site_patience patience;
  {
    std::lock_guard lock{mutex};
    if (clients->closed() || !handle_)
      co_return error_answer(503, "The wizard ends.");
    try {
      patience = handle_(std::move(what), std::move(deliver));
    } catch (const std::exception& e) {
      telemetry::error("page-call-threw", {{"what", e.what()}});
      co_return error_answer(500, "The wizard failed at this call.");
    }
  }
  // (the answer comes over this loop, so it is not missed before the wait)
  auto told = co_await result->wait(patience.limit);
  auto& reply = told ? *told : patience.otherwise;
  co_return answer{static_cast<unsigned>(reply.status), "application/json",
                   std::move(reply.body)};
}

local_site::local_site(halibut::io_thread& thread, options options,
                       handler handle)
  : impl_(
    std::make_shared<impl>(thread, std::move(options), std::move(handle))) {}

local_site::~local_site() {
  impl_->close();
}

outcome<std::uint16_t> local_site::start() {
  return impl_->listen();
}

std::string make_token() {
  std::array<unsigned char, 32> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1)
    throw std::runtime_error{"there are no random numbers"};
  std::string result;
  for (auto x : bytes) {
    result += "0123456789abcdef"[x >> 4];
    result += "0123456789abcdef"[x & 15];
  }
  return result;
}

} // namespace cuttle::web
