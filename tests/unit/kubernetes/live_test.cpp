// Against a real cluster, over HTTP/2: set CUTTLE_E2E_KUBECONFIG, and
// CUTTLE_E2E_IMAGE for another image than the one below.

#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <random>

#include "infra/kubernetes/api_client.hpp"
#include "infra/kubernetes/manifest.hpp"
#include "tests/unit/kubernetes/inbox.hpp"

using namespace cuttle;
using namespace cuttle::kubernetes;
using namespace std::chrono_literals;
using nlohmann::json;
using test::inbox;

namespace {

/// Sockets of this process.
size_t open_sockets() {
  size_t result = 0;
  for (auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"}) {
    std::error_code error;
    auto target = std::filesystem::read_symlink(entry.path(), error);
    if (!error && target.string().starts_with("socket:"))
      ++result;
  }
  return result;
}

struct watch_news {
  std::string what;
  pod_snapshot pod;
  failure trouble;
};

class Live : public testing::Test {
protected:
  void SetUp() override {
    auto file = std::getenv("CUTTLE_E2E_KUBECONFIG");
    if (file == nullptr || *file == '\0')
      GTEST_SKIP() << "CUTTLE_E2E_KUBECONFIG is not set.";
    auto where = kubeconfig_access(file);
    ASSERT_TRUE(where) << where.error().text;
    namespace_ = "cuttle-live-" + std::to_string(std::random_device{}());
    where->namespace_name = namespace_;
    client_ = std::make_unique<api_client>(*where);
    json name_space = {{"apiVersion", "v1"},
                       {"kind", "Namespace"},
                       {"metadata", {{"name", namespace_}}}};
    auto made = raw("POST", "/api/v1/namespaces", name_space.dump());
    ASSERT_TRUE(made) << made.error().text;
    // Pods are refused until the namespace has its service account.
    for (;;) {
      auto account = raw(
        "GET", "/api/v1/namespaces/" + namespace_ + "/serviceaccounts/default",
        "");
      if (account && account->find("\"secrets\"") != std::string::npos)
        break;
      ASSERT_TRUE(account || account.error().code == errc::not_found)
        << account.error().text;
    }
  }

  void TearDown() override {
    if (!client_)
      return;
    auto gone = raw("DELETE", "/api/v1/namespaces/" + namespace_, "");
    EXPECT_TRUE(gone) << gone.error().text;
  }

  outcome<std::string> raw(std::string method, std::string path,
                           std::string body) {
    auto results = std::make_shared<inbox<outcome<std::string>>>();
    client_->raw(
      std::move(method), std::move(path), std::move(body),
      [results](outcome<std::string> x) { results->put(std::move(x)); });
    return results->take().value_or(
      fail(errc::deadline_exceeded, "No answer came."));
  }

  /// A script pod that runs a shell line.
  std::string manifest(const std::string& ticket, const std::string& line) {
    auto image = std::getenv("CUTTLE_E2E_IMAGE");
    auto name = script_pod_name({ticket});
    json labels = {{"octopus.com/scriptTicketId", ticket},
                   {"octopus.com/serverTaskId", "ServerTasks-1"}};
    json container = {{"name", name},
                      {"image", image ? image : "localhost/worker:local"},
                      {"imagePullPolicy", "IfNotPresent"},
                      {"command", {"bash", "-c", line}}};
    json spec
      = {{"restartPolicy", "Never"}, {"terminationGracePeriodSeconds", 1}};
    spec["containers"] = json::array({container});
    json pod = {{"apiVersion", "v1"}, {"kind", "Pod"}};
    pod["metadata"] = {{"name", name}, {"labels", labels}};
    pod["spec"] = spec;
    return pod.dump();
  }

  outcome<pod_snapshot> create(const std::string& json_text) {
    auto results = std::make_shared<inbox<outcome<pod_snapshot>>>();
    client_->create_pod(json_text, {{}, [results](outcome<pod_snapshot> x) {
                                      results->put(std::move(x));
                                    }});
    return results->take().value_or(
      fail(errc::deadline_exceeded, "No answer came."));
  }

  call_id watch() {
    watch_callbacks<pod_snapshot> callbacks;
    callbacks.on_list = [this](std::vector<pod_snapshot> pods) {
      news_.put({"list " + std::to_string(pods.size()), {}, {}});
    };
    callbacks.on_change = [this](pod_snapshot pod) {
      news_.put({"change", std::move(pod), {}});
    };
    callbacks.on_delete = [this](pod_snapshot pod) {
      news_.put({"delete", std::move(pod), {}});
    };
    callbacks.on_trouble = [this](const failure& why, auto) {
      news_.put({"trouble", {}, why});
    };
    return client_->watch_pods(std::move(callbacks));
  }

  // Declared before the client, which may call until it is gone.
  inbox<watch_news> news_;
  inbox<pod_event> events_;
  std::string namespace_;
  std::unique_ptr<api_client> client_;
};

} // namespace

TEST_F(Live, CreatesWatchesFollowsAndDeletesAPod) {
  auto watching = watch();
  auto first = news_.take();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->what, "list 0") << first->trouble.text;
  auto text = manifest("Live1", "for i in 1 2 3; do echo line $i; done; "
                                "exit 7");
  auto pod = create(text);
  ASSERT_TRUE(pod) << pod.error().text;
  EXPECT_EQ(pod->ticket.task_id, "Live1");
  EXPECT_EQ(pod->phase, "Pending");

  // The same once more is the same pod; with another task it is not.
  auto again = create(text);
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(again->uid, pod->uid);
  auto other = json::parse(text);
  other["metadata"]["labels"]["octopus.com/serverTaskId"] = "ServerTasks-2";
  auto refused = create(other.dump());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::conflict);
  auto ended = news_.take_until([](const watch_news& x) {
    return x.what == "change" && judge(x.pod).container_ended;
  });
  ASSERT_TRUE(ended);
  EXPECT_EQ(judge(ended->pod).exit_code, 7);
  EXPECT_EQ(judge(ended->pod).phase, pod_phase::failed);

  inbox<failure> ends;
  std::string log;
  client_->follow_log({pod->name, pod->name, {}},
                      {[&](std::string_view bytes) { log += bytes; },
                       [&](const failure& why) { ends.put(why); }});
  auto end = ends.take();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->code, errc::none) << end->text;
  EXPECT_NE(log.find("Z line 1\n"), std::string::npos) << log;
  EXPECT_NE(log.find("Z line 3\n"), std::string::npos) << log;

  inbox<outcome<void>> deletions;
  auto put = [&](outcome<void> x) { deletions.put(std::move(x)); };
  client_->delete_pod(pod->name, "not-its-uid", 0s, put);
  auto untouched = deletions.take();
  ASSERT_TRUE(untouched);
  EXPECT_TRUE(*untouched) << untouched->error().text;
  client_->delete_pod(pod->name, pod->uid, 0s, put);
  auto gone = deletions.take();
  ASSERT_TRUE(gone);
  EXPECT_TRUE(*gone) << gone->error().text;
  auto deleted
    = news_.take_until([](const watch_news& x) { return x.what == "delete"; });
  ASSERT_TRUE(deleted);
  EXPECT_EQ(deleted->pod.uid, pod->uid);
  client_->delete_pod(pod->name, pod->uid, 0s, put);
  auto still_gone = deletions.take();
  ASSERT_TRUE(still_gone);
  EXPECT_TRUE(*still_gone) << still_gone->error().text;
  client_->cancel(watching);
}

TEST_F(Live, FollowsARunningScriptWhileItIsPausedAndResumed) {
  watch();
  auto pod = create(manifest("Live2", "i=0; while [ $i -lt 20000 ]; do echo "
                                      "line $i of a log that is long; "
                                      "i=$((i+1)); done"));
  ASSERT_TRUE(pod) << pod.error().text;
  auto running = news_.take_until([](const watch_news& x) {
    return x.what == "change" && judge(x.pod).phase != pod_phase::pending;
  });
  ASSERT_TRUE(running);
  std::string log;
  inbox<failure> ends;
  inbox<bool> pauses;
  std::atomic<call_id> id{0};
  std::atomic<bool> paused{false};
  inbox<bool> known;
  id = client_->follow_log({pod->name, pod->name, {}},
                           {[&](std::string_view bytes) {
                              log += bytes;
                              if (log.size() > 100'000
                                  && !paused.exchange(true)) {
                                known.take();
                                client_->pause(id);
                                pauses.put(true);
                              }
                            },
                            [&](const failure& why) { ends.put(why); }});
  known.put(true);
  ASSERT_TRUE(pauses.take());
  EXPECT_TRUE(ends.empty());
  client_->resume(id);
  auto end = ends.take();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->code, errc::none) << end->text;
  for (auto number : {"0", "777", "19999"})
    EXPECT_NE(log.find(std::string("Z line ") + number
                       + " of a log that is "
                         "long\n"),
              std::string::npos)
      << number;
}

TEST_F(Live, TellsWhatTheApiServerRefuses) {
  auto pod = json::parse(manifest("Live3", "true"));
  pod["spec"]["serviceAccountName"] = "nobody";
  auto refused = create(pod.dump());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::forbidden);
  EXPECT_NE(refused.error().text.find("error looking up service account"),
            std::string::npos)
    << refused.error().text;
  pod["spec"]["serviceAccountName"] = "default";
  pod["spec"]["containers"] = json::array();
  refused = create(pod.dump());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::invalid_request);
}

TEST_F(Live, WatchesEventsOfPods) {
  watch_callbacks<pod_event> callbacks;
  callbacks.on_list = [this](std::vector<pod_event> all) {
    for (auto& event : all)
      events_.put(std::move(event));
  };
  callbacks.on_change
    = [this](pod_event event) { events_.put(std::move(event)); };
  auto watching = client_->watch_pod_events(std::move(callbacks));
  auto pod = create(manifest("Live4", "true"));
  ASSERT_TRUE(pod) << pod.error().text;
  auto scheduled = events_.take_until(
    [](const pod_event& x) { return x.reason == "Scheduled"; });
  ASSERT_TRUE(scheduled);
  EXPECT_EQ(scheduled->pod_name, pod->name);
  auto started = events_.take_until(
    [](const pod_event& x) { return x.reason == "Started"; });
  ASSERT_TRUE(started);
  EXPECT_EQ(started->field_path, "spec.containers{" + pod->name + "}");
  client_->cancel(watching);
}

TEST_F(Live, SharesOneConnectionAmongWatchesAndRequests) {
  auto before = open_sockets();
  watch();
  ASSERT_TRUE(news_.take());
  watch_callbacks<pod_event> callbacks;
  callbacks.on_list = [this](std::vector<pod_event>) { events_.put({}); };
  client_->watch_pod_events(std::move(callbacks));
  ASSERT_TRUE(events_.take());
  constexpr int requests = 200;
  inbox<outcome<cluster_version>> versions;
  for (int i = 0; i < requests; ++i)
    client_->get_version(
      [&](outcome<cluster_version> x) { versions.put(std::move(x)); });
  for (int i = 0; i < requests; ++i) {
    auto version = versions.take();
    ASSERT_TRUE(version && *version);
    EXPECT_LE(open_sockets(), before);
  }
}

TEST_F(Live, ReadsAndWritesConfigMapsSecretsAndTheVersion) {
  auto base = "/api/v1/namespaces/" + namespace_ + "/configmaps";
  auto made = raw("POST", base,
                  R"({"metadata":{"name":"c"},"data":{"a":"1","b":"2"}})");
  ASSERT_TRUE(made) << made.error().text;
  inbox<outcome<stored_map>> maps;
  auto put = [&](outcome<stored_map> x) { maps.put(std::move(x)); };
  client_->patch_config_map("c", {{"a", "new"}, {"b", std::nullopt}}, put);
  auto map = maps.take();
  ASSERT_TRUE(map && *map);
  EXPECT_EQ((*map)->data, (std::map<std::string, std::string>{{"a", "new"}}));
  inbox<outcome<void>> created;
  client_->create_secret(
    R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"s"},)"
    R"("data":{"k":"AAEC"}})",
    [&](outcome<void> x) { created.put(std::move(x)); });
  auto secret_made = created.take();
  ASSERT_TRUE(secret_made && *secret_made);
  client_->patch_secret("s", {{"other", "value"}}, {}, put);
  ASSERT_TRUE(maps.take());
  client_->get_secret("s", put);
  map = maps.take();
  ASSERT_TRUE(map && *map);
  EXPECT_EQ((*map)->data["k"], std::string("\0\1\2", 3));
  EXPECT_EQ((*map)->data["other"], "value");
  inbox<outcome<cluster_version>> versions;
  client_->get_version(
    [&](outcome<cluster_version> x) { versions.put(std::move(x)); });
  auto version = versions.take();
  ASSERT_TRUE(version && *version);
  EXPECT_EQ((*version)->major, 1);
  EXPECT_GE((*version)->minor, 20);
}
