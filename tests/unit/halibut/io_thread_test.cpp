// The links' thread and the jobs that others give it.

#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "infra/halibut/io_thread.hpp"

namespace cuttle::halibut::test {

namespace {

using namespace std::chrono_literals;

// A pause that is posted before a resumption must not be done after it.
TEST(IoThread, RunsJobsInTheOrderInWhichAnyThreadsPostedThem) {
  io_thread links;
  std::vector<int> order;
  std::promise<void> done;
  links.post([&] {
    links.post([&] { order.push_back(1); });
    std::thread other{[&] {
      links.post([&] {
        order.push_back(2);
        done.set_value();
      });
    }};
    other.join();
    links.post([&] { order.push_back(3); });
  });
  ASSERT_EQ(done.get_future().wait_for(30s), std::future_status::ready);
  std::promise<void> all;
  links.post([&] { all.set_value(); });
  ASSERT_EQ(all.get_future().wait_for(30s), std::future_status::ready);
  EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST(IoThread, GoesOnAfterAJobThatThrows) {
  io_thread links;
  std::promise<int> done;
  links.post([&] {
    links.post([] { throw std::runtime_error{"broken"}; });
    links.post([] { throw 7; });
    links.post([&] { done.set_value(4); });
  });
  auto result = done.get_future();
  ASSERT_EQ(result.wait_for(30s), std::future_status::ready);
  EXPECT_EQ(result.get(), 4);
}

TEST(IoThread, DropsTheJobsThatItDoesNotComeToAtItsEnd) {
  auto token = std::make_shared<int>(0);
  std::promise<void> entered;
  std::promise<void> go;
  {
    io_thread links;
    links.post([&] {
      entered.set_value();
      go.get_future().wait();
      for (auto i = 0; i < 3; ++i)
        links.post([token] { ++*token; });
    });
    entered.get_future().wait();
    go.set_value();
  }
  EXPECT_EQ(token.use_count(), 1) << "nothing keeps what a job held";
}

} // namespace

} // namespace cuttle::halibut::test
