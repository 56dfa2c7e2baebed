// What a client can do to the site: limits of size and time.

#include <atomic>
#include <future>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "infra/web/local_site.hpp"

namespace cuttle::web {

namespace {

using namespace std::chrono_literals;

// A connection that blocks, with a deadline of the kernel.
class connection {
public:
  explicit connection(std::uint16_t port)
    : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    timeval limit{20, 0};
    setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    // NOLINTNEXTLINE: how sockets are addressed
    EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof(to)),
              0);
  }

  ~connection() {
    close(socket_);
  }

  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  void send(const std::string& text) {
    (void)::send(socket_, text.data(), text.size(), MSG_NOSIGNAL);
  }

  // All until the site closes.
  std::string rest() {
    std::string result;
    char buffer[4096];
    for (;;) {
      auto count = recv(socket_, buffer, sizeof(buffer), 0);
      if (count <= 0) {
        EXPECT_TRUE(count == 0 || errno == ECONNRESET) << errno;
        return result;
      }
      result.append(buffer, static_cast<std::size_t>(count));
    }
  }

private:
  int socket_;
};

class Site : public ::testing::Test {
protected:
  void serve(local_site::options options, local_site::handler handle = {}) {
    options.token = "secret";
    options.files = {{"/", "text/html", "<p>hello"}};
    if (!handle)
      handle = [this](site_call call, site_answer answer) {
        ++calls;
        answer({200, "{\"you\":\"" + call.page + "\"}"});
        return site_patience{};
      };
    site = std::make_unique<local_site>(thread, std::move(options),
                                        std::move(handle));
    auto bound = site->start();
    ASSERT_TRUE(bound) << bound.error().text;
    port = *bound;
  }

  std::string head(const std::string& line, const std::string& more = {}) {
    auto host = "127.0.0.1:" + std::to_string(port);
    return line + " HTTP/1.1\r\nHost: " + host + "\r\nOrigin: http://" + host
           + "\r\nContent-Type: application/json\r\nX-Cuttle-Token: secret\r\n"
           + more + "\r\n";
  }

  std::string ask(const std::string& request) {
    connection client{port};
    client.send(request);
    return client.rest();
  }

  halibut::io_thread thread;
  std::unique_ptr<local_site> site;
  std::uint16_t port = 0;
  std::atomic<int> calls = 0;
};

const std::string last = "Connection: close\r\n";

} // namespace

TEST_F(Site, GivesFilesWithStrictHeaders) {
  serve({});
  auto answer = ask(head("GET /?x=1", last));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200")) << answer;
  EXPECT_TRUE(answer.ends_with("<p>hello")) << answer;
  EXPECT_NE(answer.find("Content-Security-Policy: default-src 'none'"),
            std::string::npos);
  EXPECT_NE(answer.find("Cache-Control: no-store"), std::string::npos);
  EXPECT_EQ(answer.find("Access-Control"), std::string::npos);
  EXPECT_TRUE(ask(head("GET /other", last)).starts_with("HTTP/1.1 404"));
  auto none = ask(head("HEAD /", last));
  EXPECT_TRUE(none.ends_with("\r\n\r\n")) << none;
  EXPECT_EQ(calls, 0);
}

TEST_F(Site, AnswersCallsOneAfterTheOtherOnAConnection) {
  serve({});
  auto call = head("POST /api/x", "X-Cuttle-Page: me\r\nContent-Length: 2\r\n");
  auto answer = ask(
    call + "{}" + head("POST /api/x", last + "Content-Length: 2\r\n") + "{}");
  EXPECT_NE(answer.find("{\"you\":\"me\"}"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("{\"you\":\"\"}")) << answer;
  EXPECT_EQ(calls, 2);
}

TEST_F(Site, RefusesWhatIsTooLarge) {
  local_site::options options;
  options.body_bytes = 100;
  serve(options);
  EXPECT_TRUE(ask(head("POST /api/x", "Content-Length: 101\r\n"))
                .starts_with("HTTP/1.1 413"));
  EXPECT_TRUE(ask(head("POST /api/x", "Transfer-Encoding: chunked\r\n")
                  + "80\r\n" + std::string(128, 'x') + "\r\n0\r\n\r\n")
                .starts_with("HTTP/1.1 413"));
  EXPECT_TRUE(ask(head("GET /", "X-Long: " + std::string(9'000, 'x') + "\r\n"))
                .starts_with("HTTP/1.1 431"));
  EXPECT_TRUE(ask("nonsense\r\n\r\n").starts_with("HTTP/1.1 400"));
  EXPECT_EQ(calls, 0);
}

TEST_F(Site, RefusesAHeaderThatIsThereTwice) {
  serve({});
  EXPECT_TRUE(ask(head("POST /api/x", "X-Cuttle-Token: secret\r\n"
                                      "Content-Length: 2\r\n")
                  + "{}")
                .starts_with("HTTP/1.1 401"));
  EXPECT_EQ(calls, 0);
}

TEST_F(Site, CutsWhoIsTooSlow) {
  local_site::options options;
  options.request_timeout = 100ms;
  options.idle_timeout = 200ms;
  serve(options);
  EXPECT_EQ(ask("GET / HT"), "");
  EXPECT_EQ(ask(head("POST /api/x", "Content-Length: 50\r\n") + "{"), "");
  EXPECT_EQ(ask(""), "");
  EXPECT_EQ(calls, 0);
}

TEST_F(Site, SaysWhatItWasToldWhenTheAnswerIsLate) {
  std::promise<site_answer> promise;
  serve({}, [&](site_call, site_answer answer) {
    promise.set_value(std::move(answer));
    return site_patience{50ms, {504, "{\"late\":true}"}};
  });
  auto answer = ask(head("POST /api/x", last + "Content-Length: 2\r\n") + "{}");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 504")) << answer;
  EXPECT_TRUE(answer.ends_with("{\"late\":true}")) << answer;
  // Too late, and after the site: nothing happens.
  auto kept = promise.get_future().get();
  kept({200, "{}"});
  site.reset();
  kept({200, "{}"});
}

TEST_F(Site, AnIdleClientKeepsNobodyOut) {
  local_site::options options;
  options.connections = 2;
  serve(options);
  connection first{port};
  connection second{port};
  EXPECT_TRUE(ask(head("GET /", last)).starts_with("HTTP/1.1 200"));
}

TEST(Token, IsLongAndNeverTheSame) {
  auto one = make_token();
  EXPECT_EQ(one.size(), 64u);
  EXPECT_NE(one, make_token());
}

} // namespace cuttle::web
