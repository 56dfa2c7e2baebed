// The REST client against the embedded server.

#include "infra/octopus/match.hpp"
#include "infra/octopus/session.hpp"
#include "infra/sim/octopus_rest.hpp"

namespace cuttle::octopus {

namespace {

using namespace std::chrono_literals;

const std::string server_print(40, 'C');

class Session : public ::testing::Test {
protected:
  void start(sim::octopus_rest::options options = {}) {
    options.thumbprint = server_print;
    server = std::make_unique<sim::octopus_rest>(std::move(options));
    auto port = server->start();
    ASSERT_TRUE(port) << port.error().text;
  }

  session_options options(credentials who = {"API-ADMIN", "", "", ""}) {
    session_options result;
    result.server = *parse_server_url(server->url());
    result.who = std::move(who);
    result.http.ca_pem = server->authority();
    result.patience = 3s;
    return result;
  }

  std::unique_ptr<sim::octopus_rest> server;
};

} // namespace

TEST_F(Session, FindsAllPagesOfAVirtualDirectory) {
  sim::octopus_rest::options o;
  o.prefix = "/octopus";
  o.page_size = 3;
  start(o);
  for (int i = 0; i < 10; ++i)
    server->add_pool("Spaces-1", "pool " + std::to_string(i));
  session it{options()};
  auto opened = it.open();
  ASSERT_TRUE(opened) << opened.error().text;
  EXPECT_EQ(it.user().username, "admin");
  auto spaces = it.spaces();
  ASSERT_TRUE(spaces);
  ASSERT_TRUE(it.enter(spaces->front()));
  auto pools = it.pools();
  ASSERT_TRUE(pools);
  EXPECT_EQ(pools->size(), 11u);
  EXPECT_EQ(*it.server_thumbprint(), server_print);
  EXPECT_EQ(it.policies()->size(), 1u);
}

TEST_F(Session, WritesWithEachKindOfCredentials_REG11) {
  start();
  unsigned number = 0;
  for (auto& who : {credentials{"API-ADMIN", "wrong", "x", "y"},
                    credentials{"", "token-of-admin", "x", "y"},
                    credentials{"", "", "Admin", "secret"}}) {
    session it{options(who)};
    auto opened = it.open();
    ASSERT_TRUE(opened) << opened.error().text;
    ASSERT_TRUE(it.enter(it.spaces()->front()));
    auto pool = it.create_pool("new " + std::to_string(++number));
    ASSERT_TRUE(pool) << pool.error().text;
    EXPECT_FALSE(pool->id.empty());
    auto token = it.mint_token();
    ASSERT_TRUE(token) << token.error().text;
    session with_token{options({"", *token, "", ""})};
    EXPECT_TRUE(with_token.open());
  }
}

TEST_F(Session, CreatesReadsUpdatesAndDeletesAWorker) {
  start();
  session it{options()};
  ASSERT_TRUE(it.open());
  ASSERT_TRUE(it.enter(it.spaces()->front()));
  std::string print(40, 'D');
  auto made = it.create_worker(
    R"({"Name":"w","MachinePolicyId":"MachinePolicies-1",
        "WorkerPoolIds":["WorkerPools-1"],"Endpoint":{"CommunicationStyle":
        "KubernetesTentacle","TentacleEndpointConfiguration":{"Thumbprint":")"
    + print + R"(","Uri":"poll://x/"}}})");
  ASSERT_TRUE(made) << made.error().text;
  EXPECT_EQ(it.workers_with(print)->size(), 1u);
  EXPECT_EQ(it.workers_named("w")->size(), 1u);
  auto updated = it.update_worker(made->self, made->text);
  ASSERT_TRUE(updated) << updated.error().text;
  EXPECT_TRUE(it.delete_worker(*made));
  EXPECT_TRUE(it.delete_worker(*made));
  auto gone = it.worker(made->id);
  ASSERT_TRUE(gone);
  EXPECT_FALSE(*gone);
}

TEST_F(Session, WaitsForAServerThatStarts) {
  start();
  sim::octopus_rest::fault busy;
  busy.status = 503;
  busy.times = 2;
  server->break_next(busy);
  unsigned waited = 0;
  auto o = options();
  o.on_wait = [&](const trouble& x, std::chrono::milliseconds) {
    EXPECT_EQ(x.what, mistake::server_busy);
    ++waited;
  };
  session it{o};
  EXPECT_TRUE(it.open());
  EXPECT_EQ(waited, 2u);
}

TEST_F(Session, NeverCreatesTwiceWhenAnAnswerIsLost) {
  start();
  session it{options()};
  ASSERT_TRUE(it.open());
  ASSERT_TRUE(it.enter(it.spaces()->front()));
  sim::octopus_rest::fault lost;
  lost.method = "POST";
  lost.lose_answer = true;
  server->break_next(lost);
  auto pool = it.create_pool("once");
  ASSERT_FALSE(pool);
  EXPECT_EQ(pool.error().what, mistake::connection_cut);
  server->repair();
  EXPECT_EQ(it.pools()->size(), 2u);
}

TEST_F(Session, NeverShowsACredential) {
  start();
  for (auto& who : {credentials{"API-SECRET1", "", "", ""},
                    credentials{"", "SECRET1", "", ""},
                    credentials{"", "", "admin", "SECRET1"}}) {
    session it{options(who)};
    auto opened = it.open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().text.find("SECRET1"), std::string::npos);
  }
}

TEST_F(Session, ProbesThePollingPort) {
  start();
  auto seen = probe_comms("127.0.0.1", server->port(), {}, 3s);
  ASSERT_TRUE(seen) << seen.error().text;
  EXPECT_EQ(seen->size(), 40u);
}

} // namespace cuttle::octopus
