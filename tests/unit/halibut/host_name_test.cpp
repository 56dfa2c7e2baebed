// Host names: both families of addresses, and addresses that change. The names
// are those of a file that only the test sees.

#include <fstream>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "fixture.hpp"

using namespace cuttle;
using namespace cuttle::halibut;
using namespace cuttle::halibut::test;

namespace {

/// Brings up loopback, both families, in a network that has nothing else.
bool bring_up_loopback() {
  auto socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  request.ifr_name[0] = 'l';
  request.ifr_name[1] = 'o';
  request.ifr_flags = IFF_UP;
  auto done = ::ioctl(socket, SIOCSIFFLAGS, &request) == 0;
  ::close(socket);
  return done;
}

/// Runs a test on a thread with a network and a file of host names of its own;
/// threads that it starts share them. False where that is not allowed.
bool with_own_names(const std::filesystem::path& names,
                    const std::function<void()>& body) {
  auto done = true;
  std::thread thread{[&] {
    std::ofstream{names} << "127.0.0.1 localhost\n";
    done
      = ::unshare(CLONE_NEWNS | CLONE_NEWNET) == 0
        && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0
        && ::mount(names.c_str(), "/etc/hosts", nullptr, MS_BIND, nullptr) == 0
        && bring_up_loopback();
    if (done)
      body();
  }};
  thread.join();
  return done;
}

class HostName : public testing::Test {
protected:
  void call_it(const char* names, const char* bind) {
    auto allowed = with_own_names(file_, [&] {
      std::ofstream{file_} << names;
      world w;
      auto options = w.client_options();
      options.bind = bind;
      w.start_server(options);
      auto to = w.endpoint();
      to.host = "octopus.test";
      w.start_worker(w.service_options(), to);
      auto result = w.call(make_request("x"));
      ASSERT_TRUE(result) << result.error().text;
      EXPECT_EQ(text_of(result->result), "x");
    });
    if (!allowed)
      GTEST_SKIP() << "needs the right to make namespaces";
  }

  temporary_folder folder_;
  std::filesystem::path file_ = folder_.path() / "hosts";
};

} // namespace

TEST_F(HostName, OfAnIpv6AddressIsReached_HAL04) {
  call_it("::1 octopus.test\n", "::1");
}

TEST_F(HostName, WithBothFamiliesIsReachedByIpv6_HAL04) {
  call_it("127.0.0.1 octopus.test\n::1 octopus.test\n", "::1");
}

TEST_F(HostName, WithBothFamiliesIsReachedByIpv4_HAL04) {
  call_it("::1 octopus.test\n127.0.0.1 octopus.test\n", "127.0.0.1");
}

TEST_F(HostName, IsLookedUpForEachAttempt) {
  auto allowed = with_own_names(file_, [&] {
    std::ofstream{file_} << "127.0.0.9 octopus.test\n";
    world w;
    w.start_server();
    auto to = w.endpoint();
    to.host = "octopus.test";
    w.start_worker(w.service_options(), to);
    auto reason = w.wait_event(link_event::kind::disconnected).reason;
    EXPECT_EQ(reason.code, errc::unavailable) << reason.text;
    // As after a move of the server.
    std::ofstream{file_} << "127.0.0.1 octopus.test\n";
    EXPECT_TRUE(w.wait_connected(1));
    EXPECT_TRUE(w.call(make_request("x")));
  });
  if (!allowed)
    GTEST_SKIP() << "needs the right to make namespaces";
}
