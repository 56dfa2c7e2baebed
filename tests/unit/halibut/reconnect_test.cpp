#include <algorithm>
#include <arpa/inet.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <set>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fixture.hpp"
#include "raw_peer.hpp"

using namespace cuttle;
using namespace cuttle::halibut;
using namespace cuttle::halibut::test;

namespace {

std::size_t count(const std::vector<link_event>& events,
                  link_event::kind what) {
  return static_cast<std::size_t>(std::count_if(
    events.begin(), events.end(), [&](auto& x) { return x.what == what; }));
}

} // namespace

TEST(Reconnect, GoesOnWhileNobodyListens_HAL83_HAL85) {
  world w;
  w.port = raw_listener::dead_port();
  w.start_worker();
  ASSERT_TRUE(w.events.wait([](auto& x) { return x.size() >= 4; }));
  for (auto& x : w.events.get()) {
    EXPECT_EQ(x.what, link_event::kind::disconnected);
    EXPECT_EQ(x.reason.code, errc::unavailable);
    EXPECT_NE(x.reason.text.find("127.0.0.1"), std::string::npos);
    EXPECT_GE(x.retry_in, 50ms);
    EXPECT_LE(x.retry_in, 200ms);
  }
  w.start_server();
  EXPECT_TRUE(w.call(make_request("x")));
}

// A queue of connections that is full: the next one hangs in its making.
TEST(Reconnect, GivesUpAConnectionThatIsNotMadeInTime_HAL02) {
  EXPECT_EQ(halibut::limits{}.connect, 60s);
  auto full = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* address = reinterpret_cast<sockaddr*>(&place);
  socklen_t size = sizeof place;
  ASSERT_EQ(::bind(full, address, size), 0);
  ASSERT_EQ(::listen(full, 0), 0);
  ASSERT_EQ(::getsockname(full, address, &size), 0);
  std::vector<int> waiting;
  for (int i = 0; i < 8; ++i) {
    waiting.push_back(
      ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    (void)::connect(waiting.back(), address, size);
  }
  world w;
  w.port = ntohs(place.sin_port);
  auto options = w.service_options();
  options.limits.connect = 300ms;
  w.start_worker(options, w.endpoint());
  auto lost = w.wait_event(link_event::kind::disconnected);
  EXPECT_EQ(lost.reason.code, errc::deadline_exceeded) << lost.reason.text;
  EXPECT_NE(lost.reason.text.find("cannot connect"), std::string::npos)
    << lost.reason.text;
  EXPECT_NE(lost.reason.text.find("CUTTLE_WIRE_CONNECT_SECONDS"),
            std::string::npos)
    << lost.reason.text;
  for (auto x : waiting)
    ::close(x);
  ::close(full);
}

TEST(Reconnect, ReportsAHostWithoutAddress_HAL85) {
  world w;
  auto to = w.endpoint();
  to.host = "no-such-host.invalid";
  w.start_worker(w.service_options(), to);
  auto reason = w.wait_event(link_event::kind::disconnected).reason;
  EXPECT_NE(reason.text.find("no-such-host.invalid"), std::string::npos);
}

TEST(Reconnect, FollowsALossAtTheShortestPause_HAL82_HAL84) {
  world w;
  w.start_server();
  w.start_worker(5);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(w.wait_connected(5));
    w.server->drop_connections();
    ASSERT_TRUE(w.events.wait([&](auto& x) {
      return count(x, link_event::kind::disconnected)
             == static_cast<std::size_t>(5 * (i + 1));
    }));
  }
  for (auto& x : w.events.get()) {
    if (x.what == link_event::kind::disconnected) {
      EXPECT_EQ(x.retry_in, 50ms);
    }
  }
  EXPECT_TRUE(w.wait_connected(5));
  EXPECT_TRUE(w.call(make_request("x")));
}

TEST(Reconnect, FollowsARestartOfTheServer) {
  world w;
  w.start_server();
  w.start_worker(2);
  ASSERT_TRUE(w.call(make_request("before")));
  for (int i = 0; i < 3; ++i) {
    w.start_server();
    auto result = w.call(make_request("after"));
    ASSERT_TRUE(result) << result.error().text;
  }
}

TEST(Reconnect, NeverRunsAnAcceptedRequestTwice) {
  world w;
  w.start_server();
  w.start_worker(4);
  std::vector<std::future<call_result>> calls;
  for (int round = 0; round < 5; ++round) {
    for (int i = 0; i < 20; ++i)
      calls.push_back(w.begin(make_request("x")));
    w.server->drop_connections();
  }
  std::size_t good = 0;
  for (auto& x : calls) {
    ASSERT_EQ(x.wait_for(patience), std::future_status::ready);
    auto result = x.get();
    if (result) {
      ++good;
    } else {
      EXPECT_EQ(result.error().code, errc::unavailable);
    }
  }
  auto handled = w.handled.get();
  std::set<std::string> once{handled.begin(), handled.end()};
  EXPECT_EQ(once.size(), handled.size());
  EXPECT_GE(handled.size(), good);
  EXPECT_GT(good, 0u);
}

TEST(Reconnect, OfOneConnectionDoesNotDisturbTheOthers_HAL86) {
  raw_listener listener;
  world w;
  w.port = listener.port();
  w.start_worker(2);
  auto first = listener.accept(server_identity());
  auto second = listener.accept(server_identity());
  greet(first);
  greet(second);
  second.close();
  for (int i = 0; i < 5; ++i) {
    auto again = listener.accept(server_identity());
    again.close();
    first.send(null_message());
    EXPECT_EQ(first.read_line(), "NEXT\r\n");
    first.send("PROCEED\r\n");
  }
  std::set<unsigned> lost;
  for (auto& x : w.events.get())
    if (x.what == link_event::kind::disconnected)
      lost.insert(x.connection);
  EXPECT_EQ(lost.size(), 1u);
}

// Both ends are in this process, so it needs twice the descriptors.
TEST(Reconnect, IsPossibleForManyConnections_HAL89) {
  constexpr std::size_t many = 512;
  rlimit descriptors{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &descriptors), 0);
  if (descriptors.rlim_max < 2 * many + 200)
    GTEST_SKIP() << "the system allows too few descriptors";
  descriptors.rlim_cur = std::max<rlim_t>(descriptors.rlim_cur, 2 * many + 200);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &descriptors), 0);
  auto threads = [] {
    std::filesystem::directory_iterator list{"/proc/self/task"};
    return std::distance(begin(list), end(list));
  };
  world w;
  w.start_server();
  w.start_worker(1);
  ASSERT_TRUE(w.wait_connected(1));
  ASSERT_TRUE(w.call(make_request("x")));
  auto before = threads();
  w.worker = nullptr;
  ASSERT_TRUE(w.wait_connected(0));
  w.start_worker(many);
  ASSERT_TRUE(w.wait_connected(many));
  EXPECT_TRUE(w.call(make_request("x")));
  EXPECT_LE(threads(), before);
  w.server->drop_connections();
  ASSERT_TRUE(w.events.wait(
    [](auto& x) { return count(x, link_event::kind::disconnected) >= many; }));
  EXPECT_TRUE(w.wait_connected(many));
}
