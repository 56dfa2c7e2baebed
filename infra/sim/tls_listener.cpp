#include "infra/sim/tls_listener.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <pthread.h>

#include "infra/telemetry/log.hpp"

namespace cuttle::sim {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;

outcome<std::uint16_t>
tls_listener::start(const std::string& certificate_pem,
                    const std::string& key_pem, int backlog,
                    const std::function<asio::awaitable<void>()>& accept) {
  try {
    tls.set_options(ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
    tls.use_certificate_chain(asio::buffer(certificate_pem));
    tls.use_private_key(asio::buffer(key_pem), ssl::context::pem);
    acceptor.open(tcp::v4());
    acceptor.bind({asio::ip::address_v4::loopback(), 0});
    acceptor.listen(backlog);
    auto port = acceptor.local_endpoint().port();
    asio::co_spawn(io, accept(), asio::detached);
    thread = std::thread{[this] { run(); }};
    return port;
  } catch (const std::exception& e) {
    return fail(errc::unavailable,
                std::string{thread_name} + " cannot listen: " + e.what());
  }
}

void tls_listener::stop() {
  io.stop();
  if (thread.joinable())
    thread.join();
}

void tls_listener::run() {
  pthread_setname_np(pthread_self(), thread_name);
  for (;;) {
    try {
      io.run();
      return;
    } catch (const std::exception& e) {
      telemetry::error("embedded-server-threw",
                       {{"server", thread_name}, {"what", e.what()}});
    }
  }
}

asio::awaitable<bool> send_answer(tls_stream& stream, http_answer answer,
                                  bool keep) {
  http::response<http::string_body> response{
    static_cast<http::status>(answer.status), 11};
  response.set(http::field::content_type, answer.content_type);
  for (const auto& [name, value] : answer.headers)
    response.insert(name, value);
  response.body() = std::move(answer.body);
  response.keep_alive(keep);
  response.prepare_payload();
  auto [error, size] = co_await http::async_write(stream, response, as_values);
  co_return !error;
}

} // namespace cuttle::sim
