// The server that dials, and workers that listen.

#include <gtest/gtest.h>

#include "dialling_world.hpp"

using namespace cuttle;
using namespace cuttle::halibut;
using namespace cuttle::halibut::test;

namespace {

/// Requests that are kept until the test answers them.
struct held_requests {
  explicit held_requests(listening_world& worker) {
    worker.handler = [this](rpc_request x, reply_function reply) {
      held.change(
        [&](auto& list) { list.emplace_back(std::move(x), std::move(reply)); });
    };
  }

  bool wait(std::size_t count) {
    return held.wait([&](auto& list) { return list.size() >= count; });
  }

  void answer_all() {
    for (auto& [request, reply] : held.get()) {
      rpc_response response;
      response.id = request.id;
      response.result = text_document("result", text_of(request.params));
      reply(std::move(response));
    }
  }

  watched<std::vector<std::pair<rpc_request, reply_function>>> held;
};

bool wait_for_ends(listening_world& worker, std::ptrdiff_t count) {
  return worker.events.wait([&](auto& list) {
    return std::count_if(
             list.begin(), list.end(),
             [](auto& x) { return x.what == link_event::kind::disconnected; })
           == count;
  });
}

} // namespace

TEST(ListeningClient, AsksAgainAndAgainOverOneConnection_HAL45) {
  listening_world worker;
  dialling_world w;
  auto uri = w.add(worker.port);
  EXPECT_EQ(uri, "https://127.0.0.1:" + std::to_string(worker.port) + "/");
  for (auto text : {"one", "two", "three"})
    EXPECT_EQ(w.echo(uri, text), text);
  EXPECT_EQ(worker.count(link_event::kind::connected), 1);
  EXPECT_EQ(w.troubles.get(), std::vector<std::string>{});
}

TEST(ListeningClient, SaysWhoItIsAndBeginsAllCallsButTheFirstWithNext) {
  raw_listener listener;
  dialling_world w;
  auto uri = w.add(listener.port());
  auto first = w.begin(uri, make_request("x"));
  auto worker = listener.accept(worker_identity());
  const std::string hello = "MX\r\n\r\nMX-CLIENT 1.0\r\n\r\n";
  EXPECT_EQ(worker.read(hello.size()), hello);
  worker.send("MX-SERVER 1.0\r\n\r\n");
  worker.send(response_to(worker.read_message(), "y"));
  EXPECT_TRUE(dialling_world::end(first));
  auto second = w.begin(uri, make_request("x"));
  EXPECT_EQ(worker.read_line(), "NEXT\r\n");
  worker.send("PROCEED\r\n");
  worker.send(response_to(worker.read_message(), "z"));
  auto result = dialling_world::end(second);
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_EQ(text_of(result->result), "z");
}

TEST(ListeningClient, RunsCallsAtOnceOnConnectionsOfTheirOwn_HAL47) {
  listening_world worker;
  held_requests requests{worker};
  dialling_world w;
  auto uri = w.add(worker.port);
  std::vector<dialling_world::begun> calls;
  for (auto text : {"a", "b", "c"})
    calls.push_back(w.begin(uri, make_request(text)));
  ASSERT_TRUE(requests.wait(3));
  EXPECT_EQ(worker.count(link_event::kind::connected), 3);
  requests.answer_all();
  for (auto& x : calls)
    EXPECT_TRUE(dialling_world::end(x));
}

TEST(ListeningClient, KeepsSomeConnectionsAndEndsTheOthers_HAL46) {
  listening_world worker;
  held_requests requests{worker};
  auto options = dialling_world::quick();
  options.pooled = 1;
  dialling_world w{options};
  auto uri = w.add(worker.port);
  std::vector<dialling_world::begun> calls;
  for (auto text : {"a", "b", "c"})
    calls.push_back(w.begin(uri, make_request(text)));
  ASSERT_TRUE(requests.wait(3));
  requests.answer_all();
  ASSERT_TRUE(wait_for_ends(worker, 2));
  for (auto& x : worker.events.get()) {
    if (x.what == link_event::kind::disconnected) {
      EXPECT_EQ(x.reason.code, errc::cancelled) << x.reason.text;
    }
  }
  worker.handler = {};
  EXPECT_EQ(w.echo(uri, "on the third"), "on the third");
  EXPECT_EQ(worker.count(link_event::kind::connected), 3);
}

TEST(ListeningClient, EndsAConnectionThatRestsForLong_HAL46) {
  listening_world worker;
  auto options = dialling_world::quick();
  options.pooled_idle = 50ms;
  dialling_world w{options};
  auto uri = w.add(worker.port);
  EXPECT_EQ(w.echo(uri, "one"), "one");
  ASSERT_TRUE(wait_for_ends(worker, 1));
  EXPECT_EQ(worker.events.get().back().reason.code, errc::cancelled);
  EXPECT_EQ(w.echo(uri, "two"), "two");
  EXPECT_EQ(w.troubles.get(), std::vector<std::string>{});
}

TEST(ListeningClient, SaysEndWhenItLetsGo) {
  raw_listener listener;
  auto options = dialling_world::quick();
  options.pooled = 0;
  dialling_world w{options};
  auto call = w.begin(w.add(listener.port()), make_request("x"));
  auto worker = listener.accept(worker_identity());
  greet(worker);
  worker.send(response_to(worker.read_message(), "y"));
  EXPECT_EQ(worker.read_all(), "END\r\n");
  auto result = dialling_world::end(call);
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_EQ(text_of(result->result), "y");
}

TEST(ListeningClient, CarriesDataStreamsBothWays_HAL75) {
  listening_world worker;
  auto up = noise(300'000);
  auto down = noise(400'000);
  watched<std::string> arrived;
  worker.handler = [&](rpc_request x, reply_function reply) {
    arrived.change([&](auto& y) { y = content_of(x.streams.at(0).second); });
    rpc_response response;
    response.id = x.id;
    add_stream(response, memory_stream(down));
    reply(std::move(response));
  };
  dialling_world w;
  auto uri = w.add(worker.port);
  for (int i = 0; i < 2; ++i) {
    auto request = make_request("");
    add_stream(request, memory_stream(up));
    auto result = w.call(uri, std::move(request));
    ASSERT_TRUE(result) << result.error().text;
    EXPECT_TRUE(arrived.get() == up);
    EXPECT_TRUE(content_of(result->streams.at(0).second) == down);
  }
}

TEST(ListeningClient, TakesUpNoConnectionThatTheWorkerClosed) {
  auto limits = quick_limits();
  limits.listening_idle = 50ms;
  listening_world worker{limits};
  dialling_world w;
  auto uri = w.add(worker.port);
  EXPECT_EQ(w.echo(uri, "one"), "one");
  ASSERT_TRUE(wait_for_ends(worker, 1));
  EXPECT_EQ(w.echo(uri, "two"), "two");
  EXPECT_EQ(worker.handled.get().size(), 2u);
}

TEST(ListeningClient, FindsAWorkerThatCameBack) {
  dialling_world w;
  auto first = std::make_unique<listening_world>();
  auto port = first->port;
  auto uri = w.add(port);
  EXPECT_EQ(w.echo(uri, "one"), "one");
  first.reset();
  listening_world second{quick_limits(), port};
  EXPECT_EQ(w.echo(uri, "two"), "two");
  EXPECT_EQ(second.handled.get().size(), 1u);
}

TEST(ListeningClient, TriesAgainUntilTheWorkerListens) {
  auto options = dialling_world::quick();
  options.attempts = 10'000;
  dialling_world w{options};
  auto port = raw_listener::dead_port();
  auto uri = w.add(port);
  auto call = w.begin(uri, make_request("x"));
  ASSERT_TRUE(w.troubles.wait([](auto& list) { return list.size() >= 2; }));
  EXPECT_NE(w.troubles.get()[0].find("cannot connect to 127.0.0.1:"),
            std::string::npos)
    << w.troubles.get()[0];
  listening_world worker{quick_limits(), port};
  auto result = dialling_world::end(call);
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_EQ(text_of(result->result), "x");
}

TEST(ListeningClient, TakesEachOfSeveralThumbprints_HAL10) {
  listening_world worker;
  dialling_world w;
  auto uri = w.add(worker.port, {other_identity().thumbprint(),
                                 worker_identity().thumbprint()});
  EXPECT_EQ(w.echo(uri, "one"), "one");
}

TEST(ListeningClient, UsesNoConnectionOfBeforeAChange) {
  listening_world worker;
  dialling_world w;
  auto uri = w.add(worker.port);
  EXPECT_EQ(w.echo(uri, "one"), "one");
  EXPECT_EQ(w.add(worker.port, {other_identity().thumbprint()}), uri);
  auto result = w.call(uri, make_request("two"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::forbidden);
  w.add(worker.port);
  EXPECT_EQ(w.echo(uri, "three"), "three");
}

TEST(ListeningClient, HasALimitOfConnectionsBeyondWhichCallsWait) {
  listening_world worker;
  held_requests requests{worker};
  auto options = dialling_world::quick();
  options.limits.connections_per_subscription = 1;
  options.limits.queued_requests = 2;
  dialling_world w{options};
  auto uri = w.add(worker.port);
  auto first = w.begin(uri, make_request("1"));
  ASSERT_TRUE(requests.wait(1));
  auto second = w.begin(uri, make_request("2"));
  auto third = w.begin(uri, make_request("3"));
  auto fourth = w.begin(uri, make_request("4"));
  EXPECT_EQ(dialling_world::end(fourth).error().code, errc::overloaded);
  w.client->withdraw(second.number);
  EXPECT_EQ(dialling_world::end(second).error().code, errc::cancelled);
  requests.answer_all();
  ASSERT_TRUE(requests.wait(2));
  requests.answer_all();
  EXPECT_TRUE(dialling_world::end(first));
  EXPECT_TRUE(dialling_world::end(third));
  EXPECT_EQ(worker.count(link_event::kind::connected), 1);
}

TEST(ListeningClient, LetsACallWaitNoLongerThanTheLimit) {
  listening_world worker;
  held_requests requests{worker};
  auto options = dialling_world::quick();
  options.limits.connections_per_subscription = 1;
  options.limits.queue_timeout = 50ms;
  dialling_world w{options};
  auto uri = w.add(worker.port);
  auto first = w.begin(uri, make_request("1"));
  ASSERT_TRUE(requests.wait(1));
  EXPECT_EQ(w.call(uri, make_request("2")).error().code,
            errc::deadline_exceeded);
  requests.answer_all();
  EXPECT_TRUE(dialling_world::end(first));
}

TEST(ListeningClient, KnowsOnlyTheWorkersThatWereAdded) {
  listening_world worker;
  held_requests requests{worker};
  dialling_world w;
  EXPECT_EQ(w.call("https://nobody:1/", make_request("x")).error().code,
            errc::invalid_request);
  auto uri = w.add(worker.port);
  auto call = w.begin(uri, make_request("x"));
  ASSERT_TRUE(requests.wait(1));
  w.client->remove(uri);
  EXPECT_EQ(dialling_world::end(call).error().code, errc::unavailable);
  requests.answer_all();
  EXPECT_TRUE(wait_for_ends(worker, 1));
  EXPECT_EQ(w.call(uri, make_request("x")).error().code, errc::invalid_request);
  EXPECT_EQ(w.call(w.add(worker.port, {}), make_request("x")).error().code,
            errc::invalid_request)
    << "nobody is trusted";
}

TEST(ListeningClient, DialsNobodyWhileItPauses) {
  listening_world worker;
  dialling_world w;
  auto uri = w.add(worker.port);
  EXPECT_EQ(w.echo(uri, "one"), "one");
  w.client->pause(150ms);
  auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(w.echo(uri, "two"), "two");
  EXPECT_GE(std::chrono::steady_clock::now() - start, 100ms);
}

TEST(ListeningClient, EndsEverythingWhenItStops) {
  listening_world worker;
  held_requests requests{worker};
  dialling_world w;
  auto uri = w.add(worker.port);
  auto call = w.begin(uri, make_request("x"));
  ASSERT_TRUE(requests.wait(1));
  w.client->stop();
  EXPECT_EQ(dialling_world::end(call).error().code, errc::unavailable);
  EXPECT_EQ(w.call(uri, make_request("y")).error().code, errc::unavailable);
  requests.answer_all();
  EXPECT_TRUE(wait_for_ends(worker, 1));
}
