#include <gtest/gtest.h>
#include <thread>

#include "fixture.hpp"
#include "raw_peer.hpp"

using namespace cuttle;
using namespace cuttle::halibut;
using namespace cuttle::halibut::test;

TEST(Stop, EndsIdleConnectionsAtOnce) {
  world w;
  w.start_server();
  w.start_worker(3);
  ASSERT_TRUE(w.wait_connected(3));
  auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(w.stop_worker(25s));
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
  EXPECT_TRUE(w.wait_connected(0));
  auto events = w.events.get();
  EXPECT_EQ(
    std::count_if(events.begin(), events.end(),
                  [](auto& x) { return x.what == link_event::kind::stopped; }),
    3);
}

TEST(Stop, EndsConnectionsThatAreNotMadeYet) {
  raw_listener silent;
  world w;
  w.port = silent.port();
  w.start_worker(2);
  auto peer = silent.accept_plain();
  EXPECT_TRUE(w.stop_worker(25s));
}

TEST(Stop, EndsPausesBetweenAttempts) {
  world w;
  w.port = raw_listener::dead_port();
  auto options = w.service_options();
  options.backoff_min = 100s;
  options.backoff_max = 100s;
  w.start_worker(options, w.endpoint());
  w.wait_event(link_event::kind::disconnected);
  EXPECT_TRUE(w.stop_worker(25s));
}

TEST(Stop, WithoutAStartIsDoneAtOnce) {
  world w;
  w.worker = std::make_unique<polling_service>(
    w.thread, *w.disk, worker_identity(), w.endpoint(), w.service_options(),
    service_callbacks{});
  EXPECT_TRUE(w.stop_worker(25s));
  EXPECT_TRUE(w.stop_worker(25s));
}

TEST(Stop, LetsRunningRequestsEndAndLosesNone_HAL44) {
  world w;
  watched<std::vector<reply_function>> open;
  w.handler = [&](rpc_request, reply_function reply) {
    open.change([&](auto& x) { x.push_back(reply); });
  };
  w.start_server();
  w.start_worker(5);
  std::vector<std::future<call_result>> calls;
  for (int i = 0; i < 5; ++i)
    calls.push_back(w.begin(make_request("x")));
  ASSERT_TRUE(open.wait([](auto& x) { return x.size() == 5; }));
  // These wait in the server's queue for the next worker.
  for (int i = 0; i < 5; ++i)
    calls.push_back(w.begin(make_request("y")));
  std::promise<void> done;
  w.worker->stop(25s, [&] { done.set_value(); });
  for (auto& reply : open.get())
    reply({});
  ASSERT_EQ(done.get_future().wait_for(patience), std::future_status::ready);
  EXPECT_EQ(w.handled.get().size(), 5u);
  w.handler = [](rpc_request, reply_function reply) { reply({}); };
  w.start_worker();
  for (auto& x : calls) {
    ASSERT_EQ(x.wait_for(patience), std::future_status::ready);
    auto result = x.get();
    EXPECT_TRUE(result) << result.error().text;
  }
  EXPECT_EQ(w.handled.get().size(), 10u);
}

TEST(Stop, CutsWhatDoesNotEndInTime) {
  world w;
  watched<std::vector<reply_function>> open;
  w.handler = [&](rpc_request, reply_function reply) {
    open.change([&](auto& x) { x.push_back(reply); });
  };
  w.start_server();
  w.start_worker();
  auto call = w.begin(make_request("x"));
  ASSERT_TRUE(open.wait([](auto& x) { return x.size() == 1; }));
  EXPECT_TRUE(w.stop_worker(50ms));
  ASSERT_EQ(call.wait_for(patience), std::future_status::ready);
  EXPECT_FALSE(call.get());
  // Too late, and harmless.
  open.get()[0]({});
}

TEST(Stop, OfTheServerFailsWhatIsQueuedAndUnderWay) {
  world w;
  watched<std::vector<reply_function>> open;
  w.handler = [&](rpc_request, reply_function reply) {
    open.change([&](auto& x) { x.push_back(reply); });
  };
  w.start_server();
  w.start_worker();
  auto running = w.begin(make_request("x"));
  ASSERT_TRUE(open.wait([](auto& x) { return x.size() == 1; }));
  auto queued = w.begin(make_request("y"));
  w.server->stop();
  for (auto call : {&running, &queued}) {
    ASSERT_EQ(call->wait_for(patience), std::future_status::ready);
    EXPECT_EQ(call->get().error().code, errc::unavailable);
  }
  EXPECT_EQ(w.call(make_request("z")).error().code, errc::unavailable);
  EXPECT_THROW(raw_peer::dial_plain(w.port), std::runtime_error);
}

TEST(Destruction, OfTheServiceCutsItsLinksAndSilencesItsCallbacks) {
  world w;
  watched<std::vector<reply_function>> open;
  w.handler = [&](rpc_request, reply_function reply) {
    open.change([&](auto& x) { x.push_back(reply); });
  };
  w.start_server();
  w.start_worker(2);
  auto call = w.begin(make_request("x"));
  ASSERT_TRUE(open.wait([](auto& x) { return x.size() == 1; }));
  w.worker = nullptr;
  auto events = w.events.get().size();
  ASSERT_EQ(call.wait_for(patience), std::future_status::ready);
  EXPECT_FALSE(call.get());
  EXPECT_TRUE(w.wait_connected(0));
  EXPECT_EQ(w.events.get().size(), events);
  open.get()[0]({});
}

TEST(Destruction, IsPossibleInsideACallback) {
  world w;
  watched<bool> gone;
  w.handler = [&](rpc_request, reply_function) {
    w.worker = nullptr;
    gone.change([](auto& x) { x = true; });
  };
  w.start_server();
  w.start_worker(2);
  auto call = w.begin(make_request("x"));
  EXPECT_TRUE(gone.wait([](auto& x) { return x; }));
  ASSERT_EQ(call.wait_for(patience), std::future_status::ready);
  EXPECT_FALSE(call.get());
}

TEST(Replies, MayOutliveEverything) {
  watched<std::vector<reply_function>> open;
  {
    world w;
    w.handler = [&](rpc_request, reply_function reply) {
      open.change([&](auto& x) { x.push_back(reply); });
    };
    w.start_server();
    w.start_worker();
    auto call = w.begin(make_request("x"));
    ASSERT_TRUE(open.wait([](auto& x) { return x.size() == 1; }));
  }
  open.get()[0]({});
}
