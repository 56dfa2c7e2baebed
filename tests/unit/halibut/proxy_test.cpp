#include <gtest/gtest.h>

#include "infra/halibut/proxy.hpp"

using namespace cuttle;
using namespace cuttle::halibut;

namespace {

server_endpoint server(const std::string& host) {
  server_endpoint result;
  result.host = host;
  return result;
}

} // namespace

TEST(ConnectRequest, IsByteExactWithoutCredentials_HAL17) {
  for (auto user : {"", "  "})
    EXPECT_EQ(
      format_connect(server("octopus.example"), {"proxy", 80, user, "secret"}),
      "CONNECT octopus.example:10943 HTTP/1.0\r\n"
      "Host: octopus.example:10943\r\n\r\n");
}

TEST(ConnectRequest, IsByteExactWithCredentials_HAL17) {
  EXPECT_EQ(format_connect(server("octopus.example"),
                           {"proxy", 80, "Aladdin", "open sesame"}),
            "CONNECT octopus.example:10943 HTTP/1.0\r\n"
            "Host: octopus.example:10943\r\n"
            "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n");
}

TEST(ConnectRequest, BracketsAnAddressOfVersion6) {
  EXPECT_EQ(format_connect(server("::1"), {"proxy", 80, "", ""}),
            "CONNECT [::1]:10943 HTTP/1.0\r\nHost: [::1]:10943\r\n\r\n");
}

TEST(ConnectAnswer, IsSuccessWith200Only_HAL19) {
  EXPECT_TRUE(check_connect_answer("HTTP/1.0 200 OK\r\n\r\n"));
  EXPECT_TRUE(check_connect_answer("HTTP/1.1  200\r\nX: y\r\n\r\n"));
  for (auto x : {"HTTP/1.0 201 Created\r\n\r\n", "HTTP/1.0 302 Found\r\n\r\n",
                 "HTTP/1.0 407 Authenticate\r\n\r\n", "HTTP/1.0\r\n\r\n",
                 "HTTP/1.0 \r\n\r\n", "HTTP/1.0 2x0 OK\r\n\r\n",
                 "SSH 200 OK\r\n\r\n", "\r\n\r\n", ""})
    EXPECT_FALSE(check_connect_answer(x)) << x;
}
