#include "infra/telemetry/http_endpoint.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <condition_variable>
#include <gtest/gtest.h>
#include <mutex>
#include <optional>
#include <thread>

namespace cuttle::telemetry {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

// A client that blocks, with a deadline of the kernel so that a broken endpoint
// fails a test instead of hanging it.
class client {
public:
  explicit client(std::uint16_t port) : socket_(context_) {
    socket_.connect({asio::ip::address_v4::loopback(), port});
    timeval limit{20, 0};
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit,
                 sizeof(limit));
  }

  void send(const std::string& text) {
    boost::system::error_code ignored;
    asio::write(socket_, asio::buffer(text), ignored);
  }

  // All bytes until the endpoint closes.
  std::string rest() {
    std::string result;
    boost::system::error_code ec;
    asio::read(socket_, asio::dynamic_buffer(result), ec);
    // Whoever cuts a client that still sends answers with a reset.
    EXPECT_TRUE(ec == asio::error::eof || ec == asio::error::connection_reset)
      << ec.message();
    return result;
  }

  // Bytes until `text` was seen.
  std::string until(const std::string& text) {
    std::string result;
    char c = 0;
    boost::system::error_code ec;
    while (!ec && !result.ends_with(text))
      if (socket_.read_some(asio::buffer(&c, 1), ec) == 1)
        result += c;
    EXPECT_FALSE(ec) << ec.message() << " after " << result;
    return result;
  }

private:
  asio::io_context context_;
  tcp::socket socket_;
};

// A flag that another thread waits for.
class event {
public:
  void set() {
    std::lock_guard lock{mutex_};
    set_ = true;
    changed_.notify_all();
  }
  bool wait() {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, std::chrono::seconds{20},
                             [this] { return set_; });
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

http_endpoint_callbacks healthy() {
  http_endpoint_callbacks result;
  result.health = [](probe_reply reply) { reply({true, "all is well"}); };
  result.ready = [](probe_reply reply) { reply({false, "no server\nyet"}); };
  result.metrics = [] { return std::string{"# TYPE x gauge\nx 1\n"}; };
  return result;
}

http_endpoint::options loopback() {
  http_endpoint::options result;
  result.bind = "127.0.0.1";
  result.port = 0;
  return result;
}

std::string get(std::uint16_t port, const std::string& path,
                const std::string& method = "GET") {
  client c{port};
  c.send(method + " " + path
         + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  return c.rest();
}

class endpoint_test : public testing::Test {
protected:
  halibut::io_thread thread_;
  std::optional<http_endpoint> endpoint_;

  std::uint16_t start(http_endpoint_callbacks callbacks,
                      http_endpoint::options options = loopback()) {
    endpoint_.emplace(thread_, options, std::move(callbacks));
    auto port = endpoint_->start();
    EXPECT_TRUE(port.has_value());
    return port.value_or(0);
  }
};

using HttpEndpoint = endpoint_test;

} // namespace

TEST_F(HttpEndpoint, AnswersAHealthyProbeWith200) {
  auto answer = get(start(healthy()), "/healthz");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\nall is well\n")) << answer;
}

TEST_F(HttpEndpoint, AnswersAFailingProbeWith503AndOneLine) {
  auto answer = get(start(healthy()), "/readyz?verbose");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503 ")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\nno server yet\n")) << answer;
}

TEST_F(HttpEndpoint, GivesTheMetricsInPrometheusFormat) {
  auto answer = get(start(healthy()), "/metrics");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
  EXPECT_NE(answer.find("Content-Type: text/plain; version=0.0.4"),
            std::string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\n# TYPE x gauge\nx 1\n")) << answer;
}

TEST_F(HttpEndpoint, AnswersHeadWithoutABody) {
  auto answer = get(start(healthy()), "/healthz", "HEAD");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
  EXPECT_NE(answer.find("Content-Length: 12\r\n"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST_F(HttpEndpoint, TakesAnAnswerFromAnotherThreadOnce) {
  std::thread other;
  auto callbacks = healthy();
  callbacks.health = [&](probe_reply reply) {
    other = std::thread{[reply] {
      reply({true, "first"});
      reply({false, "second"});
    }};
  };
  auto answer = get(start(std::move(callbacks)), "/healthz");
  other.join();
  EXPECT_TRUE(answer.ends_with("\r\n\r\nfirst\n")) << answer;
}

TEST_F(HttpEndpoint, AnswersAProbeThatHangsWith503) {
  probe_reply held;
  auto callbacks = healthy();
  callbacks.ready = [&](probe_reply reply) { held = std::move(reply); };
  auto options = loopback();
  options.probe_timeout = std::chrono::milliseconds{20};
  auto answer = get(start(std::move(callbacks), options), "/readyz");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503 ")) << answer;
  EXPECT_TRUE(answer.ends_with("The probe was not answered within 20 ms.\n"));
  held({true, "late"});
}

TEST_F(HttpEndpoint, AnswersAProbeThatThrowsWith503) {
  auto callbacks = healthy();
  callbacks.health = [](probe_reply) { throw std::runtime_error{"broken"}; };
  callbacks.metrics = []() -> std::string { throw std::runtime_error{"no"}; };
  auto port = start(std::move(callbacks));
  EXPECT_TRUE(get(port, "/healthz").starts_with("HTTP/1.1 503 "));
  EXPECT_TRUE(get(port, "/metrics").starts_with("HTTP/1.1 503 "));
  EXPECT_TRUE(get(port, "/readyz").ends_with("no server yet\n"));
}

TEST_F(HttpEndpoint, IsNotHealthyWithoutAProbe) {
  auto port = start({});
  EXPECT_TRUE(get(port, "/healthz").starts_with("HTTP/1.1 503 "));
  EXPECT_TRUE(get(port, "/readyz").starts_with("HTTP/1.1 503 "));
  EXPECT_TRUE(get(port, "/metrics").starts_with("HTTP/1.1 503 "));
}

TEST_F(HttpEndpoint, RefusesWhatItDoesNotHaveWithOneLine) {
  auto port = start(healthy());
  auto missing = get(port, "/etc/passwd");
  EXPECT_TRUE(missing.starts_with("HTTP/1.1 404 ")) << missing;
  EXPECT_TRUE(
    missing.ends_with("There are /healthz, /readyz and /metrics here.\n"));
  auto post = get(port, "/healthz", "POST");
  EXPECT_TRUE(post.starts_with("HTTP/1.1 405 ")) << post;
  EXPECT_NE(post.find("Allow: GET, HEAD\r\n"), std::string::npos) << post;
}

TEST_F(HttpEndpoint, AnswersGarbageWith400AndCloses) {
  auto port = start(healthy());
  client garbage{port};
  garbage.send("\x16\x03\x01 this is TLS\r\n\r\n");
  EXPECT_TRUE(garbage.rest().starts_with("HTTP/1.1 400 "));
  client body{port};
  body.send("GET /healthz HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_TRUE(body.rest().starts_with("HTTP/1.1 400 "));
}

TEST_F(HttpEndpoint, AnswersAHugeHeaderWith400) {
  client c{start(healthy())};
  c.send("GET /healthz HTTP/1.1\r\nX: " + std::string(8'300, 'x'));
  auto answer = c.rest();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << answer;
  EXPECT_NE(answer.find("larger than 8192 bytes"), std::string::npos);
}

TEST_F(HttpEndpoint, KeepsAConnectionForTheNextRequest) {
  client c{start(healthy())};
  for (int i = 0; i < 3; ++i) {
    c.send("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(c.until("all is well\n").starts_with("HTTP/1.1 200 "));
  }
}

TEST_F(HttpEndpoint, CutsAClientThatDoesNotSendItsRequestInTime) {
  auto options = loopback();
  options.request_timeout = std::chrono::milliseconds{30};
  client c{start(healthy(), options)};
  c.send("GET /healthz HTT");
  EXPECT_EQ(c.rest(), "");
}

TEST_F(HttpEndpoint, IdleConnectionsDoNotKeepAProbeOut) {
  auto options = loopback();
  options.connections = 2;
  auto port = start(healthy(), options);
  client one{port};
  client two{port};
  one.send("GET /healthz HTTP/1.1\r\n\r\n");
  one.until("all is well\n");
  two.send("GET /healthz HTTP/1.1\r\n\r\n");
  two.until("all is well\n");
  EXPECT_TRUE(get(port, "/healthz").starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(one.rest(), "");
}

TEST_F(HttpEndpoint, RefusesConnectionsBeyondTheBoundWhileAllServe) {
  event asked;
  probe_reply held;
  auto callbacks = healthy();
  callbacks.ready = [&](probe_reply reply) {
    held = std::move(reply);
    asked.set();
  };
  auto options = loopback();
  options.connections = 1;
  options.probe_timeout = std::chrono::seconds{20};
  auto port = start(std::move(callbacks), options);
  client busy{port};
  busy.send("GET /readyz HTTP/1.1\r\nConnection: close\r\n\r\n");
  ASSERT_TRUE(asked.wait());
  EXPECT_EQ(get(port, "/healthz"), "");
  held({true, "at last"});
  EXPECT_TRUE(busy.rest().ends_with("at last\n"));
}

TEST_F(HttpEndpoint, AsksNobodyOnceItIsGone) {
  event asked;
  probe_reply held;
  auto callbacks = healthy();
  callbacks.health = [&](probe_reply reply) {
    held = std::move(reply);
    asked.set();
  };
  auto port = start(std::move(callbacks));
  client c{port};
  c.send("GET /healthz HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(asked.wait());
  endpoint_.reset();
  EXPECT_EQ(c.rest(), "");
  held({true, "too late"});
  asio::io_context context;
  tcp::socket late{context};
  boost::system::error_code ec;
  late.connect({asio::ip::address_v4::loopback(), port}, ec);
  EXPECT_EQ(ec, asio::error::connection_refused);
}

TEST(HttpEndpointStart, AReplyMayOutliveTheThread) {
  probe_reply held;
  event asked;
  {
    halibut::io_thread thread;
    auto callbacks = healthy();
    callbacks.health = [&](probe_reply reply) {
      held = std::move(reply);
      asked.set();
    };
    http_endpoint endpoint{thread, loopback(), std::move(callbacks)};
    client c{endpoint.start().value_or(0)};
    c.send("GET /healthz HTTP/1.1\r\n\r\n");
    ASSERT_TRUE(asked.wait());
  }
  held({true, "too late"});
}

TEST(HttpEndpointStart, SaysWhyItCannotListen) {
  halibut::io_thread thread;
  http_endpoint first{thread, loopback(), healthy()};
  auto options = loopback();
  options.port = first.start().value_or(0);
  http_endpoint second{thread, options, healthy()};
  auto taken = second.start();
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, errc::unavailable);
  EXPECT_NE(taken.error().text.find(std::to_string(options.port)),
            std::string::npos);
  options.bind = "everywhere";
  http_endpoint third{thread, options, healthy()};
  auto wrong = third.start();
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, errc::invalid_request);
  auto again = first.start();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, errc::conflict);
}

} // namespace cuttle::telemetry
