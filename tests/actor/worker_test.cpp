// The root: its order at the start and at the end, and what it does when a part
// of it breaks.

#include "actor_fixture.hpp"
#include "actors/worker.hpp"
#include "infra/tentacle/client.hpp"

namespace cuttle::test {

namespace {

// What the test sees of the links to one server.
struct scripted_server {
  halibut::service_callbacks callbacks;
  unsigned made = 0;
  unsigned started = 0;
  unsigned cut = 0;
  std::function<void()> stopped;
  std::chrono::milliseconds stop_patience{0};
};

class scripted_link : public server_link {
public:
  explicit scripted_link(scripted_server& server) : server_(server) {}
  ~scripted_link() override {
    ++server_.cut;
  }
  void start() override {
    ++server_.started;
  }
  void stop(std::chrono::milliseconds patience,
            std::function<void()> done) override {
    server_.stop_patience = patience;
    server_.stopped = std::move(done);
  }

private:
  scripted_server& server_;
};

class WorkerTest : public actor_fixture {
protected:
  void SetUp() override {
    actor_fixture::SetUp();
    cluster.now = now_;
    for (auto* server : {&first, &second})
      made->servers.push_back({server == &first ? "one:10943" : "two:10943",
                               [server](halibut::service_callbacks callbacks) {
                                 ++server->made;
                                 server->callbacks = std::move(callbacks);
                                 return std::make_unique<scripted_link>(
                                   *server);
                               }});
    worker = spawn_worker(system(), context);
    track(worker);
    parent().link_to(worker);
    settle();
  }

  void drop_handles() override {
    worker = nullptr;
    for (auto* server : {&first, &second}) {
      server->callbacks = {};
      server->stopped = nullptr;
    }
  }

  void load() {
    cluster.list();
    serve();
  }

  void connect(scripted_server& server) {
    halibut::link_event event;
    event.what = halibut::link_event::kind::connected;
    server.callbacks.on_link(event);
    settle();
  }

  probe_report ready() {
    auto x = ask<probe_report>(worker, ready_atom_v);
    settle();
    return *x->operator->();
  }

  using answers = std::vector<std::optional<halibut::received_response>>;

  // A call of that server; the answer comes into its place in `into`.
  static void call(scripted_server& server,
                   const halibut::outgoing_request& request, answers& into) {
    halibut::rpc_request received;
    received.id = "request-" + std::to_string(into.size());
    received.service = request.service;
    received.method = request.method;
    received.params = request.params;
    auto place = into.size();
    into.emplace_back();
    server.callbacks.on_request(
      std::move(received), [&into, place](halibut::rpc_response x) {
        into[place] = halibut::received_response{
          x.id, std::move(x.error), std::move(x.result), {}};
      });
  }

  // Requests of the first server that are open, as a metric says.
  int busy() {
    std::string name = "cuttle_server_links_busy{server=\"one:10943\"} ";
    auto text = metrics.render();
    auto at = text.find(name);
    return at == std::string::npos ? -1
                                   : std::stoi(text.substr(at + name.size()));
  }

  // An unexpected exception in the intake.
  void break_intake() {
    auto thrown = false;
    on_now = [&thrown] {
      if (!std::exchange(thrown, true))
        throw std::runtime_error("the test breaks the intake");
    };
    script_ticket ticket{"Breaking-" + std::to_string(++breaks_)};
    cluster.add(ticket);
    cluster.announce(ticket);
    settle();
    on_now = nullptr;
    EXPECT_TRUE(thrown);
    cluster.pods.clear();
  }

  scripted_server first;
  scripted_server second;
  worker_actor worker;

private:
  int breaks_ = 0;
};

TEST_F(WorkerTest, ConnectsToNoServerBeforeThePodsAreLoaded_MON06_SVC46) {
  EXPECT_EQ(cluster.watches.size(), 1u);
  EXPECT_EQ(first.made, 0u);
  EXPECT_FALSE(ready().ok);
  load();
  EXPECT_EQ(first.started, 1u);
  EXPECT_EQ(second.started, 1u);
  EXPECT_FALSE(ready().ok) << "no server has answered";
  connect(second);
  EXPECT_TRUE(ready().ok);
}

TEST_F(WorkerTest, AListAgainMakesNoSecondConnection) {
  load();
  load();
  EXPECT_EQ(first.made, 1u);
}

TEST_F(WorkerTest, RefusesARequestThatNobodyServes) {
  load();
  connect(first);
  halibut::rpc_request request;
  request.id = "request-1";
  request.service = "INoSuchService";
  request.method = "Nothing";
  std::optional<halibut::rpc_response> response;
  first.callbacks.on_request(std::move(request),
                             [&](halibut::rpc_response x) { response = x; });
  settle();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->id, "request-1");
  EXPECT_TRUE(response->error);
}

// Nobody answers for the cluster here.
TEST_F(WorkerTest, TellsItsCapabilitiesWhateverTheClusterDoes_SVC02) {
  load();
  connect(first);
  cluster.trouble({errc::unavailable, "no API server"});
  answers got;
  call(first, tentacle::make_get_capabilities(), got);
  EXPECT_EQ(busy(), 1);
  settle();
  EXPECT_EQ(busy(), 0);
  ASSERT_TRUE(got[0]) << "the answer waits for something";
  auto names = tentacle::read_capabilities(*got[0]);
  ASSERT_TRUE(names);
  EXPECT_EQ(*names, (std::vector<std::string>{"IFileTransferService",
                                              "IKubernetesScriptServiceV1"}));
  EXPECT_TRUE(cluster.lookups.empty());
}

// Each call comes from another server than the one before.
TEST_F(WorkerTest, AnswersEachMethodToAnyServerFromTheSameState_SVC60) {
  load();
  connect(first);
  connect(second);
  script_ticket ticket{"Ticket-1"};
  start_script command;
  command.ticket = ticket;
  command.task_id = "ServerTasks-1";
  command.script_body = "echo hello";
  answers got;
  call(first, tentacle::make_request(command), got);
  call(second, tentacle::make_request(command), got);
  serve();
  EXPECT_EQ(cluster.created.size(), 1u);
  cluster.run(ticket);
  cluster.write_lines(ticket, 2);
  serve();
  call(second, tentacle::make_request(get_status{ticket, 0}), got);
  call(first, tentacle::make_request(get_status{ticket, 0}), got);
  serve();
  call(second, tentacle::make_request(get_status{ticket, 0}), got);
  call(first, tentacle::make_request(get_status{ticket, 0}), got);
  serve();
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_TRUE(got[i]) << i;
    auto x = tentacle::read_status(*got[i]);
    ASSERT_TRUE(x) << x.error().text;
    if (i >= 4) {
      EXPECT_EQ(x->state, process_state::running);
      EXPECT_EQ(texts(*x, output_source::out), numbered(1, 2)) << i;
    }
  }
  call(first, tentacle::make_request(cancel_script{ticket, 2}), got);
  call(second, tentacle::make_request(cancel_script{ticket, 2}), got);
  serve();
  for (auto i : {got.size() - 2, got.size() - 1}) {
    ASSERT_TRUE(got[i]);
    auto x = tentacle::read_status(*got[i]);
    ASSERT_TRUE(x) << x.error().text;
    EXPECT_EQ(x->exit_code, exit_cancelled);
  }
  call(second, tentacle::make_request(complete_script{ticket}), got);
  call(first, tentacle::make_request(complete_script{ticket}), got);
  call(second, tentacle::make_get_capabilities(), got);
  call(first, tentacle::make_get_capabilities(), got);
  serve();
  for (auto& x : got) {
    ASSERT_TRUE(x);
    EXPECT_FALSE(x->error);
  }
  EXPECT_TRUE(cluster.pods.empty());
  // (this store has no files, and says so)
  answers files;
  for (auto* server : {&first, &second}) {
    call(*server, tentacle::make_upload("a", halibut::make_guid(), nullptr),
         files);
    call(*server, tentacle::make_download("a"), files);
  }
  serve();
  for (auto& x : files) {
    ASSERT_TRUE(x);
    ASSERT_TRUE(x->error);
    EXPECT_NE(x->error->message.find("has no files"), std::string::npos);
  }
}

TEST_F(WorkerTest, DrainsReadinessFirstThenLinksThenEnds_RST07) {
  load();
  connect(first);
  auto reply = ask<bool>(worker, drain_atom_v);
  settle();
  EXPECT_FALSE(ready().ok);
  EXPECT_EQ(ready().text, "The worker is about to stop.");
  ASSERT_TRUE(first.stopped);
  ASSERT_TRUE(second.stopped);
  EXPECT_EQ(first.stop_patience, settings->drain_patience);
  EXPECT_FALSE(reply->done);
  first.stopped();
  settle();
  EXPECT_FALSE(reply->done) << "the other server still has a request open";
  EXPECT_TRUE(exits.empty());
  second.stopped();
  settle();
  EXPECT_TRUE(reply->value);
  ASSERT_EQ(exits.size(), 1u);
  EXPECT_EQ(exits[0], caf::exit_reason::user_shutdown);
  EXPECT_EQ(first.cut, 1u);
  EXPECT_TRUE(cluster.watches.empty());
}

TEST_F(WorkerTest, LeavesItsPodsToTheSuccessor_RST07) {
  load();
  script_ticket ticket{"Ticket-1"};
  cluster.add(ticket);
  cluster.run(ticket);
  settle();
  auto reply = ask<bool>(worker, drain_atom_v);
  settle();
  first.stopped();
  second.stopped();
  serve();
  EXPECT_TRUE(reply->value);
  EXPECT_NE(cluster.find(ticket), nullptr);
  EXPECT_TRUE(cluster.deletions.empty());
}

TEST_F(WorkerTest, ADrainBeforeAnyServerEndsAtOnce) {
  auto reply = ask<bool>(worker, drain_atom_v);
  settle();
  EXPECT_TRUE(reply->value);
  EXPECT_EQ(first.made, 0u);
  ASSERT_EQ(exits.size(), 1u);
  EXPECT_EQ(exits[0], caf::exit_reason::user_shutdown);
}

TEST_F(WorkerTest, ASecondDrainWaitsForTheSameEnd) {
  load();
  auto once = ask<bool>(worker, drain_atom_v);
  settle();
  auto twice = ask<bool>(worker, drain_atom_v);
  settle();
  EXPECT_FALSE(once->done);
  EXPECT_FALSE(twice->done);
  first.stopped();
  second.stopped();
  settle();
  EXPECT_TRUE(once->value);
  EXPECT_TRUE(twice->value);
}

TEST_F(WorkerTest, MakesItsPartsAnewWhenOneBreaks) {
  load();
  connect(first);
  ASSERT_TRUE(ready().ok);
  break_intake();
  EXPECT_TRUE(exits.empty()) << "the worker itself goes on";
  EXPECT_EQ(first.cut, 1u);
  EXPECT_EQ(cluster.watches.size(), 1u) << "the old watch is cancelled";
  EXPECT_FALSE(ready().ok) << "the pods are not loaded anew";
  load();
  EXPECT_EQ(first.made, 2u);
  connect(first);
  EXPECT_TRUE(ready().ok);
}

TEST_F(WorkerTest, GivesUpAfterMoreThanFiveBreaksWithinAMinute) {
  load();
  for (int i = 0; i < 5; ++i) {
    break_intake();
    load();
    advance(10s);
  }
  EXPECT_TRUE(exits.empty());
  break_intake();
  ASSERT_EQ(exits.size(), 1u);
  EXPECT_EQ(exits[0], errc::internal);
  EXPECT_TRUE(cluster.watches.empty());
}

TEST_F(WorkerTest, GoesOnForEverWhenItBreaksSeldom) {
  load();
  for (int i = 0; i < 20; ++i) {
    break_intake();
    load();
    advance(13s);
  }
  EXPECT_TRUE(exits.empty());
  EXPECT_EQ(cluster.watches.size(), 1u);
}

} // namespace

} // namespace cuttle::test
