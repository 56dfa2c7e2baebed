#include "tests/program/port_forward.hpp"

#include <arpa/inet.h>
#include <cstdlib>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/program/process.hpp"

namespace cuttle::test {

namespace {

using namespace std::chrono_literals;

std::string variable(const char* name) {
  const auto* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

} // namespace

bool port_forward::possible() {
  return !variable("CUTTLE_E2E_FORWARD").empty() && !host().empty();
}

std::string port_forward::host() {
  return variable("CUTTLE_E2E_HOST");
}

port_forward::port_forward(std::uint16_t port, std::filesystem::path folder)
  : port_(port), folder_(std::move(folder)) {
  EXPECT_TRUE(run({"in", std::to_string(port_)}));
}

port_forward::~port_forward() {
  EXPECT_TRUE(run({"stop", "in", std::to_string(port_)}));
}

bool port_forward::run(std::vector<std::string> words) {
  words.insert(words.begin(), variable("CUTTLE_E2E_FORWARD"));
  std::map<std::string, std::string> environment{{"HOME", folder_.string()}};
  if (auto state = variable("CLUSTER_STATE"); !state.empty())
    environment["CLUSTER_STATE"] = state;
  process child{std::move(words), environment, folder_ / "forward.log"};
  auto code = child.wait(30s);
  if (code != 0)
    ADD_FAILURE() << child.output();
  return code == 0;
}

std::uint16_t unused_port() {
  auto listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(::bind(listener, generic, size), 0);
  EXPECT_EQ(::getsockname(listener, generic, &size), 0);
  ::close(listener);
  return ntohs(address.sin_port);
}

} // namespace cuttle::test
