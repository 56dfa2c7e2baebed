// A worker that makes more connections while it is busy and lets them go.

#include <algorithm>
#include <gtest/gtest.h>
#include <set>
#include <thread>

#include "fixture.hpp"

using namespace cuttle;
using namespace cuttle::halibut;
using namespace cuttle::halibut::test;

namespace {

// A server that looks after idle connections often, and a handler that holds
// requests until it is told.
struct elastic_world : world {
  elastic_world() {
    handler = [this](rpc_request request, reply_function reply) {
      if (text_of(request.params) == "hold")
        held.change([&](auto& x) { x.push_back(std::move(reply)); });
      else
        reply({});
    };
    auto server_side = client_options();
    server_side.limits.queue_wait = 50ms;
    start_server(server_side);
  }

  void start(unsigned min, unsigned max, std::chrono::milliseconds idle) {
    auto options = service_options();
    options.connections = min;
    options.connections_max = max;
    options.connection_idle = idle;
    start_worker(options, endpoint());
    ASSERT_TRUE(wait_connected(min));
  }

  ~elastic_world() {
    worker = nullptr;
    server = nullptr;
  }

  // Answers what is held.
  std::size_t release() {
    std::size_t result = 0;
    held.change([&](auto& x) {
      result = x.size();
      for (auto& reply : x)
        reply({});
      x.clear();
    });
    return result;
  }

  // The most connections that the worker had at once.
  int most() {
    auto now = 0;
    auto result = 0;
    std::set<unsigned> up;
    for (auto& x : events.get()) {
      if (x.what == link_event::kind::connected)
        now += up.insert(x.connection).second ? 1 : 0;
      else
        now -= static_cast<int>(up.erase(x.connection));
      result = std::max(result, now);
    }
    return result;
  }

  watched<std::vector<reply_function>> held;
};

} // namespace

TEST(ElasticLinks, GrowToTheMaximumWhileAllAreBusyAndShrinkBack) {
  elastic_world w;
  w.start(1, 4, 200ms);
  std::vector<std::future<call_result>> calls;
  for (int i = 0; i < 10; ++i)
    calls.push_back(w.begin(make_request("hold")));
  ASSERT_TRUE(w.held.wait([](auto& x) { return x.size() == 4; }));
  EXPECT_EQ(w.server->connections(subscription), 4u);
  for (std::size_t answered = 0; answered < calls.size();) {
    ASSERT_TRUE(w.held.wait([](auto& x) { return !x.empty(); }));
    answered += w.release();
  }
  for (auto& x : calls) {
    ASSERT_EQ(x.wait_for(patience), std::future_status::ready);
    EXPECT_TRUE(x.get());
  }
  ASSERT_TRUE(w.wait_connected(1));
  EXPECT_EQ(w.most(), 4);
  auto handled = w.handled.get();
  EXPECT_EQ(handled.size(), 10u);
  EXPECT_EQ(std::set(handled.begin(), handled.end()).size(), 10u);
  EXPECT_TRUE(w.troubles.get().empty()) << w.troubles.get()[0];
  EXPECT_TRUE(w.call(make_request("x")));
}

// Connections are let go all the time here, while requests come.
TEST(ElasticLinks, LoseNoRequestAndRunNoneTwiceWhileTheyShrink) {
  elastic_world w;
  w.start(1, 6, 1ms);
  std::size_t sent = 0;
  for (int round = 0; round < 40; ++round) {
    std::vector<std::future<call_result>> calls;
    for (int i = 0; i < 8; ++i, ++sent)
      calls.push_back(w.begin(make_request("x")));
    for (auto& x : calls) {
      ASSERT_EQ(x.wait_for(patience), std::future_status::ready);
      auto result = x.get();
      EXPECT_TRUE(result) << result.error().text;
    }
    // Somewhere between one null message and the next.
    std::this_thread::sleep_for(std::chrono::milliseconds{round * 3});
  }
  ASSERT_TRUE(w.wait_connected(1));
  auto handled = w.handled.get();
  EXPECT_EQ(handled.size(), sent);
  EXPECT_EQ(std::set(handled.begin(), handled.end()).size(), sent);
  EXPECT_LE(w.most(), 6);
  EXPECT_GT(w.most(), 1) << "it never grew, so it never shrank";
  EXPECT_TRUE(w.troubles.get().empty()) << w.troubles.get()[0];
}

TEST(ElasticLinks, AreFixedWithoutAMaximum_RUN04) {
  elastic_world w;
  w.start(2, 0, 1ms);
  std::vector<std::future<call_result>> calls;
  for (int i = 0; i < 4; ++i)
    calls.push_back(w.begin(make_request("hold")));
  ASSERT_TRUE(w.held.wait([](auto& x) { return x.size() == 2; }));
  w.release();
  ASSERT_TRUE(w.held.wait([](auto& x) { return x.size() == 2; }));
  w.release();
  for (auto& x : calls) {
    ASSERT_EQ(x.wait_for(patience), std::future_status::ready);
    EXPECT_TRUE(x.get());
  }
  EXPECT_EQ(w.most(), 2);
  EXPECT_EQ(w.events.get().size(), 2u) << "none was let go";
}

TEST(ElasticLinks, ComeBackAsTheMinimumAfterARestartOfTheServer) {
  elastic_world w;
  w.start(1, 3, 1h);
  std::vector<std::future<call_result>> calls;
  for (int i = 0; i < 3; ++i)
    calls.push_back(w.begin(make_request("hold")));
  ASSERT_TRUE(w.held.wait([](auto& x) { return x.size() == 3; }));
  w.server->drop_connections();
  // (a worker notices a loss when it has something to write)
  for (auto& x : calls) {
    ASSERT_EQ(x.wait_for(patience), std::future_status::ready);
    EXPECT_FALSE(x.get());
  }
  w.release();
  auto count = [](const auto& events, link_event::kind what) {
    return std::count_if(events.begin(), events.end(),
                         [&](auto& y) { return y.what == what; });
  };
  ASSERT_TRUE(w.events.wait([&](auto& x) {
    return count(x, link_event::kind::disconnected) == 3
           && count(x, link_event::kind::connected) > 3;
  }));
  // (a call may well add one again: then all are busy)
  EXPECT_EQ(count(w.events.get(), link_event::kind::connected), 4);
  EXPECT_TRUE(w.call(make_request("x")));
}

TEST(ElasticLinks, EndAtAStopAsOthersDo) {
  elastic_world w;
  w.start(1, 3, 1h);
  std::vector<std::future<call_result>> calls;
  for (int i = 0; i < 3; ++i)
    calls.push_back(w.begin(make_request("hold")));
  ASSERT_TRUE(w.held.wait([](auto& x) { return x.size() == 3; }));
  std::promise<void> ended;
  w.worker->stop(20s, [&] { ended.set_value(); });
  w.release();
  ASSERT_EQ(ended.get_future().wait_for(patience), std::future_status::ready);
  for (auto& x : calls) {
    ASSERT_EQ(x.wait_for(patience), std::future_status::ready);
    EXPECT_TRUE(x.get()) << "a request was lost";
  }
}
