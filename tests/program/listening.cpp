// A server that dials in instead of being polled.

#include "infra/halibut/envelope.hpp"
#include "infra/halibut/inflater.hpp"
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
};

const std::map<std::string, std::string> listen
  = {{"CUTTLE_LISTEN_PORT", "0"}, {"CUTTLE_LISTEN_BIND", "127.0.0.1"}};

} // namespace

TEST_F(Listening, AServerThatDialsInIsServedBesidesThoseThatArePolled_HAL45) {
  start_connected_worker(listen);
  auto port = listening_port();
  auto server = halibut::test::raw_peer::dial(port, &server_identity_);
  ASSERT_TRUE(server.secure());
  server.send("MX\n\nMX-CLIENT 1.0\r\n\r\n");
  EXPECT_EQ(server.read_line(), "MX-SERVER 1.0\r\n");
  EXPECT_EQ(server.read_line(), "\r\n");
  for (std::string id : {"first", "second"}) {
    auto document
      = halibut::encode_request(tentacle::make_get_capabilities(),
                                {id, halibut::make_guid(), "", "00"}, {});
    ASSERT_TRUE(document);
    auto message = halibut::deflate_message(*document);
    server.send({message.begin(), message.end()});
    auto bytes = server.read_message();
    auto response = halibut::decode_response(
      {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, {});
    ASSERT_TRUE(response) << response.error().text;
    EXPECT_EQ(response->response.id, id);
    auto names = tentacle::read_capabilities(response->response);
    ASSERT_TRUE(names) << names.error().text;
    EXPECT_EQ(names->size(), 2u);
    server.send("NEXT\r\n");
    EXPECT_EQ(server.read_line(), "PROCEED\r\n");
  }
  EXPECT_EQ(run("echo polled").exit_code, 0);
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
