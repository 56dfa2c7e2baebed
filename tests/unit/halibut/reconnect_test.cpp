#include <algorithm>
#include <gtest/gtest.h>
#include <set>

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

TEST(Reconnect, IsPossibleForManyConnections_HAL89) {
  world w;
  w.start_server();
  w.start_worker(200);
  ASSERT_TRUE(w.wait_connected(200));
  EXPECT_TRUE(w.call(make_request("x")));
  w.server->drop_connections();
  ASSERT_TRUE(w.events.wait(
    [](auto& x) { return count(x, link_event::kind::disconnected) >= 200; }));
  EXPECT_TRUE(w.wait_connected(200));
}
