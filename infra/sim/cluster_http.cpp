#include "infra/sim/cluster_http.hpp"

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <future>
#include <set>

#include "infra/sim/cluster_streams.hpp"
#include "infra/sim/cluster_text.hpp"
#include "infra/sim/tls_listener.hpp"
#include "infra/telemetry/log.hpp"

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = boost::asio::ip::tcp;

namespace cuttle::sim {

namespace {

using clock_type = std::chrono::steady_clock;
using nothing = asio::awaitable<void>;

constexpr std::uint32_t max_header = 64 * 1024;
constexpr std::uint64_t max_body = 3 * 1024 * 1024;
/// What the kernel holds of a stream whose client does not read.
constexpr int send_buffer = 256 * 1024;
constexpr std::chrono::seconds handshake_limit{30};
constexpr std::chrono::seconds idle_limit{180};
constexpr std::chrono::seconds goodbye_limit{1};

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned in_size, void*) {
  static constexpr unsigned char ours[] = "\x08http/1.1";
  auto* chosen = const_cast<unsigned char*>(*out);
  auto found = SSL_select_next_proto(&chosen, out_size, ours, sizeof(ours) - 1,
                                     in, in_size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK
                                         : SSL_TLSEXT_ERR_NOACK;
}

} // namespace

struct cluster_http::impl {
  impl(cluster_api& a, const cluster_store& s, const cluster_moods& m,
       std::chrono::milliseconds bookmarks)
    : api(a), store(s), moods(m), bookmark_interval(bookmarks) {
    wakes.attach(io);
  }

  // -- connections ----------------------------------------------------------

  struct registration {
    registration(impl& i, tls_stream& s) : owner(i), stream(&s) {
      owner.streams.insert(stream);
      ++owner.open;
    }
    ~registration() {
      owner.streams.erase(stream);
      --owner.open;
    }
    registration(const registration&) = delete;
    registration& operator=(const registration&) = delete;
    impl& owner;
    tls_stream* stream;
  };

  static void reset(tcp::socket& socket) {
    beast::error_code ignored;
    socket.set_option(asio::socket_base::linger{true, 0}, ignored);
    socket.close(ignored);
  }

  nothing accept() {
    asio::steady_timer pause{io};
    for (;;) {
      auto [error, socket] = co_await server.acceptor.async_accept(as_values);
      if (error == asio::error::operation_aborted)
        co_return;
      if (error) {
        // Out of descriptors, most likely; some will be closed.
        telemetry::warn("embedded-cluster-accept-failed",
                        {{"why", error.message()}});
        pause.expires_after(std::chrono::milliseconds{100});
        auto [ignored] = co_await pause.async_wait(as_values);
        (void)ignored;
        continue;
      }
      if (clock_type::now() < closed_until) {
        reset(socket);
        continue;
      }
      socket.set_option(tcp::no_delay{true}, error);
      socket.set_option(asio::socket_base::send_buffer_size{send_buffer},
                        error);
      asio::co_spawn(io, serve(std::move(socket)), asio::detached);
    }
  }

  nothing serve(tcp::socket socket) {
    tls_stream stream{beast::tcp_stream{std::move(socket)}, server.tls};
    registration here{*this, stream};
    auto& layer = beast::get_lowest_layer(stream);
    layer.expires_after(handshake_limit);
    auto [error]
      = co_await stream.async_handshake(tls_stream::server, as_values);
    if (error)
      co_return;
    beast::flat_buffer buffer;
    while (co_await serve_one(stream, buffer)) {
    }
    layer.expires_after(goodbye_limit);
    auto [ignored] = co_await stream.async_shutdown(as_values);
    (void)ignored;
  }

  /// One request; whether the connection can be used for another one.
  asio::awaitable<bool> serve_one(tls_stream& stream,
                                  beast::flat_buffer& buffer) {
    http::request_parser<http::string_body> parser;
    parser.header_limit(max_header);
    parser.body_limit(max_body);
    auto& layer = beast::get_lowest_layer(stream);
    layer.expires_after(idle_limit);
    auto [error, size]
      = co_await http::async_read(stream, buffer, parser, as_values);
    layer.expires_never();
    if (error == http::error::body_limit) {
      plain_answer refusal;
      refusal.status = 413;
      refusal.body = to_text(status_object(
        plain_error(413, "Request entity too large: limit is 3145728")));
      (void)co_await send(stream, refusal, false);
    }
    if (error)
      co_return false;
    const auto& message = parser.get();
    api_request request{
      std::string{message.method_string()}, std::string{message.target()},
      std::string{message[http::field::authorization]},
      std::string{message[http::field::content_type]}, message.body()};
    auto keep = message.keep_alive();
    auto in_flight = api.enter(request);
    auto delay = in_flight.refusal ? 0 : slow.load();
    if (delay > 0) {
      asio::steady_timer timer{io, std::chrono::milliseconds{delay}};
      auto [ignored] = co_await timer.async_wait(as_values);
      (void)ignored;
    }
    auto answer
      = in_flight.refusal ? std::move(*in_flight.refusal) : api.handle(request);
    if (answer.lost) {
      reset(layer.socket());
      co_return false;
    }
    bool sent = false;
    if (auto* plain = std::get_if<plain_answer>(&answer.content))
      sent = co_await send(stream, *plain, keep);
    else if (auto* watch = std::get_if<watch_answer>(&answer.content))
      sent = co_await send_watch(stream, *watch, store, wakes, moods,
                                 bookmark_interval);
    else if (auto* log = std::get_if<log_answer>(&answer.content))
      sent = co_await send_log(stream, *log, wakes, moods);
    co_return sent&& keep;
  }

  static asio::awaitable<bool> send(tls_stream& stream,
                                    const plain_answer& answer, bool keep) {
    http_answer reply{static_cast<int>(answer.status),
                      answer.content_type,
                      {answer.headers.begin(), answer.headers.end()},
                      answer.body};
    reply.headers.emplace("Cache-Control", "no-cache, private");
    co_return co_await send_answer(stream, std::move(reply), keep);
  }

  cluster_api& api;
  const cluster_store& store;
  const cluster_moods& moods;
  const std::chrono::milliseconds bookmark_interval;
  std::atomic<std::int64_t> slow{0};
  std::atomic<std::size_t> open{0};
  std::set<tls_stream*> streams;
  clock_type::time_point closed_until;
  // Coroutines that go with the event loop still use the list of sleepers.
  wake_list wakes;
  tls_listener server{"kube-api"};
  asio::io_context& io = server.io;
};

cluster_http::cluster_http(cluster_api& api, const cluster_store& store,
                           const cluster_moods& moods,
                           std::chrono::milliseconds bookmark_interval)
  : impl_(std::make_unique<impl>(api, store, moods, bookmark_interval)) {}

cluster_http::~cluster_http() {
  stop();
}

void cluster_http::stop() {
  impl_->server.stop();
}

outcome<std::uint16_t> cluster_http::start(const api_certificate& certificate) {
  SSL_CTX_set_alpn_select_cb(impl_->server.tls.native_handle(),
                             &choose_protocol, nullptr);
  return impl_->server.start(certificate.certificate_pem, certificate.key_pem,
                             1'024, [this] { return impl_->accept(); });
}

void cluster_http::wake_streams() {
  asio::post(impl_->io, [this] { impl_->wakes.wake_all(); });
}

void cluster_http::wake_watches() {
  impl_->wakes.raise(wake_list::watches);
}

void cluster_http::wake_log(const std::string& uid) {
  impl_->wakes.raise(uid);
}

void cluster_http::slow_down(std::chrono::milliseconds by) {
  impl_->slow = by.count();
}

void cluster_http::cut(std::chrono::milliseconds for_how_long) {
  if (!impl_->server.thread.joinable())
    return;
  std::promise<void> done;
  asio::post(impl_->io, [this, for_how_long, &done] {
    impl_->closed_until = clock_type::now() + for_how_long;
    for (auto* stream : impl_->streams)
      impl::reset(beast::get_lowest_layer(*stream).socket());
    // Those that sleep find out when they wake up.
    impl_->wakes.wake_all();
    done.set_value();
  });
  done.get_future().wait();
}

std::size_t cluster_http::connections() const {
  return impl_->open;
}

} // namespace cuttle::sim
