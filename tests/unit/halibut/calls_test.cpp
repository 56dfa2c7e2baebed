#include <atomic>
#include <gtest/gtest.h>
#include <thread>

#include "fixture.hpp"

using namespace cuttle;
using namespace cuttle::halibut;
using namespace cuttle::halibut::test;

TEST(PollingCalls, ReturnTheAnswerOfTheWorker_HAL32) {
  world w;
  w.start_server();
  w.start_worker();
  auto result = w.call(make_request("hello"));
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_FALSE(result->error);
  EXPECT_EQ(text_of(result->result), "hello");
  EXPECT_EQ(w.handled.get().size(), 1u);
  EXPECT_EQ(w.handled.get()[0], result->id);
}

TEST(PollingCalls, KeepTheConnectionFromCallToCall_HAL33) {
  world w;
  w.start_server();
  w.start_worker();
  for (int i = 0; i < 20; ++i) {
    auto result = w.call(make_request(std::to_string(i)));
    ASSERT_TRUE(result) << result.error().text;
    EXPECT_EQ(text_of(result->result), std::to_string(i));
  }
  EXPECT_EQ(w.events.get().size(), 1u);
}

TEST(PollingCalls, EchoTheRequestIdWhateverTheHandlerAnswers_HAL37) {
  world w;
  w.handler = [](rpc_request, reply_function reply) {
    rpc_response response;
    response.id = "another id";
    reply(std::move(response));
  };
  w.start_server();
  w.start_worker();
  auto result = w.call(make_request("x"));
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_TRUE(result->result.empty());
  EXPECT_EQ(result->id, w.handled.get().at(0));
}

TEST(PollingCalls, CarryAnErrorAndStayUsable_HAL39) {
  world w;
  w.handler = [](rpc_request, reply_function reply) {
    rpc_response response;
    response.error = server_error{"no", "Some.Exception: no", "Some.Type"};
    reply(std::move(response));
  };
  w.start_server();
  w.start_worker();
  for (int i = 0; i < 2; ++i) {
    auto result = w.call(make_request("x"));
    ASSERT_TRUE(result) << result.error().text;
    ASSERT_TRUE(result->error);
    EXPECT_EQ(result->error->message, "no");
    EXPECT_EQ(result->error->details, "Some.Exception: no");
    EXPECT_EQ(result->error->halibut_type, "Some.Type");
  }
  EXPECT_EQ(w.events.get().size(), 1u);
}

TEST(PollingCalls, AnswerWithATransientErrorWhenTheHandlerForgets_HAL81) {
  world w;
  w.handler = [](rpc_request, reply_function) {};
  w.start_server();
  w.start_worker();
  auto result = w.call(make_request("x"));
  ASSERT_TRUE(result) << result.error().text;
  ASSERT_TRUE(result->error);
  EXPECT_FALSE(result->error->halibut_type);
  EXPECT_FALSE(result->error->message.empty());
  EXPECT_FALSE(result->error->details.empty());
}

TEST(PollingCalls, AnswerWithATransientErrorWhenTheHandlerThrows_HAL81) {
  world w;
  w.handler
    = [](rpc_request, reply_function) { throw std::runtime_error{"broken"}; };
  w.start_server();
  w.start_worker();
  auto result = w.call(make_request("x"));
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_TRUE(result->error);
}

TEST(PollingCalls, TakeTheFirstOfSeveralReplies) {
  world w;
  w.handler = [](rpc_request, reply_function reply) {
    for (auto text : {"first", "second"}) {
      rpc_response response;
      response.result = text_document("result", text);
      reply(std::move(response));
    }
  };
  w.start_server();
  w.start_worker();
  for (int i = 0; i < 3; ++i) {
    auto result = w.call(make_request("x"));
    ASSERT_TRUE(result) << result.error().text;
    EXPECT_EQ(text_of(result->result), "first");
  }
}

TEST(PollingCalls, TakeRepliesFromOtherThreads) {
  world w;
  std::vector<std::thread> threads;
  w.handler = [&](rpc_request request, reply_function reply) {
    threads.emplace_back([request = std::move(request), reply] {
      rpc_response response;
      response.result = text_document("result", text_of(request.params));
      reply(std::move(response));
    });
  };
  w.start_server();
  w.start_worker(3);
  std::vector<std::future<call_result>> calls;
  for (int i = 0; i < 12; ++i)
    calls.push_back(w.begin(make_request(std::to_string(i))));
  for (int i = 0; i < 12; ++i) {
    ASSERT_EQ(calls[i].wait_for(patience), std::future_status::ready);
    auto result = calls[i].get();
    ASSERT_TRUE(result) << result.error().text;
    EXPECT_EQ(text_of(result->result), std::to_string(i));
  }
  w.worker = nullptr;
  for (auto& x : threads)
    x.join();
}

TEST(PollingCalls, RunAsManyAtOnceAsThereAreConnections_HAL42) {
  world w;
  watched<std::vector<reply_function>> open;
  w.handler = [&](rpc_request, reply_function reply) {
    open.change([&](auto& x) { x.push_back(reply); });
  };
  w.start_server();
  w.start_worker(5);
  ASSERT_TRUE(w.wait_connected(5));
  EXPECT_EQ(w.server->connections("POLL://TEST00vectors"), 5u);
  std::vector<std::future<call_result>> calls;
  for (int i = 0; i < 50; ++i)
    calls.push_back(w.begin(make_request("x")));
  for (int i = 0; i < 10; ++i) {
    std::vector<reply_function> batch;
    ASSERT_TRUE(open.wait([&](auto& x) {
      if (x.size() < 5)
        return false;
      EXPECT_EQ(x.size(), 5u);
      batch.swap(x);
      return true;
    }));
    for (auto& reply : batch)
      reply({});
  }
  for (auto& x : calls) {
    ASSERT_EQ(x.wait_for(patience), std::future_status::ready);
    EXPECT_TRUE(x.get());
  }
}

TEST(PollingCalls, GoOnAmongManyNullMessages_HAL31_HAL92) {
  world w;
  auto options = w.client_options();
  options.limits.queue_wait = 1ms;
  w.start_server(options);
  w.start_worker(3);
  ASSERT_TRUE(w.wait_connected(3));
  for (int i = 0; i < 200; ++i)
    ASSERT_TRUE(w.call(make_request("x")));
  EXPECT_EQ(w.handled.get().size(), 200u);
  EXPECT_EQ(w.events.get().size(), 3u);
  EXPECT_TRUE(w.troubles.get().empty());
}

TEST(PollingCalls, TakeAFewMillisecondsBackToBack_HAL93) {
  world w;
  w.start_server();
  w.start_worker();
  ASSERT_TRUE(w.call(make_request("x")));
  auto start = std::chrono::steady_clock::now();
  constexpr int count = 50;
  for (int i = 0; i < count; ++i)
    ASSERT_TRUE(w.call(make_request("x")));
  auto each = (std::chrono::steady_clock::now() - start) / count;
  // With delayed acknowledgements it would be 40 ms.
  EXPECT_LT(each, 20ms);
}

TEST(PollingCalls, CarryDocumentsOfAnySizeBothWays_HAL53) {
  world w;
  w.start_server();
  w.start_worker();
  for (std::size_t size : {0u, 1u, 65'000u, 65'536u, 70'000u, 3'000'000u}) {
    std::string text(size, 'a');
    for (std::size_t i = 0; i < size; ++i)
      text[i] = static_cast<char>('a' + (i * i + i / 7) % 26);
    auto result = w.call(make_request(text));
    ASSERT_TRUE(result) << result.error().text;
    EXPECT_EQ(text_of(result->result), text);
  }
  EXPECT_EQ(w.events.get().size(), 1u);
}
