// A server that dials in instead of being polled.

#include <csignal>
#include <fstream>
#include <future>
#include <stdexcept>

#include "infra/tentacle/client.hpp"
#include "tests/program/stage.hpp"
#include "tests/unit/halibut/raw_peer.hpp"

namespace cuttle::test {

namespace {

class Listening : public Stage {
protected:
  /// The port that the worker says it listens on.
  std::uint16_t listening_port() {
    const std::string mark = "listening-for-servers port=";
    std::string log;
    auto said = eventually([&] {
      log = worker_->process().output();
      auto at = log.find(mark);
      return at != std::string::npos && log.find('\n', at) != std::string::npos;
    });
    EXPECT_TRUE(said) << log;
    if (!said)
      return 0;
    return static_cast<std::uint16_t>(
      std::stoi(log.substr(log.find(mark) + mark.size())));
  }

  /// Lets the server dial the worker from now on; returns its port.
  std::uint16_t dial_worker() {
    halibut::worker_endpoint where;
    where.host = "127.0.0.1";
    where.port = listening_port();
    where.thumbprints = {worker_identity_.thumbprint()};
    subscription_ = server_->add_listening_worker(where);
    return where.port;
  }

  halibut::received_response call(halibut::outgoing_request request) {
    auto promise = std::make_shared<std::promise<halibut::call_result>>();
    server_->call(
      subscription_, std::move(request),
      [promise](halibut::call_result x) { promise->set_value(std::move(x)); });
    auto future = promise->get_future();
    if (future.wait_for(std::chrono::seconds{60}) != std::future_status::ready)
      throw std::runtime_error{"the call did not end"};
    auto result = future.get();
    if (!result)
      throw std::runtime_error{result.error().text};
    return std::move(*result);
  }
};

const std::map<std::string, std::string> listen
  = {{"CUTTLE_LISTEN_PORT", "0"}, {"CUTTLE_LISTEN_BIND", "127.0.0.1"}};

} // namespace

TEST_F(Listening, AServerThatDialsInIsServedBesidesThoseThatArePolled_HAL45) {
  start_connected_worker(listen);
  auto polled = subscription_;
  dial_worker();
  EXPECT_EQ(run("echo dialled; exit 3").exit_code, 3);
  subscription_ = polled;
  EXPECT_EQ(run("echo polled; exit 4").exit_code, 4);
}

TEST_F(Listening, ScriptsFilesAndCancellationWorkWhenTheServerDials_HAL47) {
  start_worker(listen);
  dial_worker();
  std::vector<running_script_ptr> all;
  for (auto i = 0; i < 8; ++i)
    all.push_back(start("for i in 1 2 3; do echo line $i; done; exit "
                        + std::to_string(i)));
  auto endless = start("echo up; sleep 600");
  ASSERT_TRUE(endless->sees("up"));
  server_->cancel(endless->ticket);
  EXPECT_EQ(endless->wait().exit_code, exit_cancelled);
  for (std::size_t i = 0; i < all.size(); ++i) {
    auto result = all[i]->wait();
    EXPECT_EQ(result.exit_code, static_cast<int>(i));
    EXPECT_EQ(texts(result),
              (std::vector<std::string>{"line 1", "line 2", "line 3"}));
  }
  // More than is kept in memory.
  auto source = std::make_shared<stream_source>();
  source->bytes.assign(3'000'000, 'x');
  source->length = 3'000'000;
  auto stored = tentacle::read_upload(
    call(tentacle::make_upload("Files/big.bin", halibut::make_guid(), source)));
  ASSERT_TRUE(stored) << stored.error().text;
  EXPECT_EQ(stored->length, 3'000'000);
  auto back
    = tentacle::read_download(call(tentacle::make_download("Files/big.bin")));
  ASSERT_TRUE(back && *back);
  EXPECT_EQ((*back)->length, 3'000'000);
}

TEST_F(Listening, AScriptGoesOnAcrossARestartOfTheWorkerThatIsDialled) {
  start_worker(listen);
  auto port = dial_worker();
  auto flag = home_ / "go";
  auto script
    = start("echo up; until [ -e \"$1\" ]; do sleep 0.1; done; echo down; "
            "exit 5",
            {flag.string()});
  ASSERT_TRUE(script->sees("up"));
  worker_->process().signal(SIGKILL);
  ASSERT_TRUE(worker_->process().wait(std::chrono::seconds{10}));
  auto again = listen;
  again["CUTTLE_LISTEN_PORT"] = std::to_string(port);
  start_worker(again);
  EXPECT_EQ(listening_port(), port);
  std::ofstream{flag} << "go";
  auto result = script->wait();
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_EQ(texts(result), (std::vector<std::string>{"up", "down"}));
  EXPECT_EQ(result.start_calls, 1u);
}

TEST_F(Listening, AWorkerWithNothingToPollIsReadyOnceItListens) {
  auto cluster = embedded();
  if (!cluster)
    GTEST_SKIP() << "needs a config map of its own";
  cluster_->store({{"Tentacle.Communication.TrustedOctopusServers",
                    R"([{"Thumbprint":")" + server_identity_.thumbprint()
                      + R"(","CommunicationStyle":1}])"}},
                  {});
  start_worker(listen);
  EXPECT_NE(listening_port(), 0);
  EXPECT_TRUE(eventually([&] { return worker_->get("/readyz").first == 200; }))
    << worker_->get("/readyz").second;
}

TEST_F(Listening, AStrangerIsCutAndNamedInTheLog_HAL14) {
  start_worker(listen);
  auto port = listening_port();
  auto stranger = halibut::test::raw_peer::dial(port, &worker_identity_);
  stranger.send("MX\n\nMX-CLIENT 1.0\r\n\r\n");
  EXPECT_EQ(stranger.read_all(), "");
  EXPECT_TRUE(eventually([&] {
    return worker_->logged("connection-refused", worker_identity_.thumbprint());
  }));
}

} // namespace cuttle::test
