// The embedded cluster and the worker's own API client, together.

#include <condition_variable>
#include <functional>
#include <gtest/gtest.h>
#include <mutex>

#include "client.hpp"
#include "infra/kubernetes/api_client.hpp"
#include "infra/kubernetes/manifest.hpp"

using namespace cuttle;
using namespace cuttle::sim;
using namespace cuttle::sim::test;

namespace {

/// Values that arrive on the driver's thread and are waited for on the test's.
template <class T>
class inbox {
public:
  void put(T value) {
    std::lock_guard lock{mutex_};
    values_.push_back(std::move(value));
    changed_.notify_all();
  }

  /// The first value that fits; fails the test when none comes.
  T wait(const std::function<bool(const T&)>& fits) {
    std::unique_lock lock{mutex_};
    std::size_t next = 0;
    T result{};
    auto found = changed_.wait_for(lock, patience, [&] {
      for (; next < values_.size(); ++next)
        if (fits(values_[next])) {
          result = values_[next];
          return true;
        }
      return false;
    });
    EXPECT_TRUE(found);
    return result;
  }

  T any() {
    return wait([](const T&) { return true; });
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> values_;
};

struct ClusterWithClient : testing::Test {
  static kubernetes::access reach(const embedded_cluster& cluster) {
    auto result = kubernetes::kubeconfig_access(cluster.kubeconfig());
    EXPECT_TRUE(result) << result.error().text;
    return result.value_or(kubernetes::access{});
  }

  pod_snapshot create(const nlohmann::json& pod) {
    inbox<outcome<pod_snapshot>> answer;
    client.create_pod(
      pod.dump(), {{}, [&](auto result) { answer.put(std::move(result)); }});
    auto made = answer.any();
    EXPECT_TRUE(made) << made.error().text;
    return made.value_or(pod_snapshot{});
  }

  void watch_pods() {
    kubernetes::watch_callbacks<pod_snapshot> tell;
    tell.on_list = [this](auto list) {
      lists.put(static_cast<int>(list.size()));
      for (auto& pod : list)
        pods.put(std::move(pod));
    };
    tell.on_change = [this](auto pod) { pods.put(std::move(pod)); };
    tell.on_delete = [this](auto pod) { deleted.put(pod.name); };
    tell.on_trouble = [this](const failure& why, auto) { troubles.put(why); };
    client.watch_pods(std::move(tell));
    lists.any();
  }

  running k;
  // What the client calls has to outlive it.
  inbox<int> lists;
  inbox<pod_snapshot> pods;
  inbox<std::string> deleted;
  inbox<failure> troubles;
  inbox<failure> log_end;
  std::mutex mutex;
  std::string log;
  kubernetes::api_client client{reach(k.cluster)};
};

TEST_F(ClusterWithClient, TakesAPodFromItsCreationToItsRemoval) {
  watch_pods();
  create(script_pod("p", "echo one; echo two; exit 3"));
  auto over = pods.wait([](const pod_snapshot& x) {
    return kubernetes::judge(x).phase == pod_phase::failed;
  });
  EXPECT_EQ(kubernetes::judge(over).exit_code, 3);
  EXPECT_EQ(over.ticket.task_id, "p");
  kubernetes::log_callbacks tell;
  tell.on_data = [this](std::string_view data) {
    std::lock_guard lock{mutex};
    log += data;
  };
  tell.on_end = [this](const failure& why) { log_end.put(why); };
  client.follow_log({"p", "p", {}}, std::move(tell));
  EXPECT_EQ(log_end.any().code, errc::none);
  {
    std::lock_guard lock{mutex};
    ASSERT_EQ(log.size(), 70u) << log;
    EXPECT_EQ(log.substr(30, 5), " one\n");
  }
  inbox<outcome<void>> gone;
  client.delete_pod("p", over.uid, {}, [&](auto result) { gone.put(result); });
  EXPECT_TRUE(gone.any());
  EXPECT_EQ(deleted.any(), "p");
}

TEST_F(ClusterWithClient, GoesOnWithTheWatchAfterCutsAndCompactions_MON02) {
  watch_pods();
  k.cluster.cut_connections();
  k.cluster.compact();
  create(script_pod("p", "true"));
  auto over = pods.wait([](const pod_snapshot& x) {
    return kubernetes::judge(x).phase == pod_phase::succeeded;
  });
  EXPECT_EQ(over.name, "p");
}

TEST_F(ClusterWithClient, ReadsTheNewTokenAfterARotation) {
  k.cluster.rotate_token();
  inbox<outcome<kubernetes::cluster_version>> version;
  client.get_version([&](auto result) { version.put(result); });
  auto known = version.any();
  ASSERT_TRUE(known) << known.error().text;
  EXPECT_EQ(known->minor, 32);
}

TEST_F(ClusterWithClient, PatchesAConfigMap) {
  k.cluster.put_config_map("m", {{"a", "1"}, {"b", "2"}});
  inbox<outcome<kubernetes::stored_map>> done;
  client.patch_config_map("m", {{"a", std::nullopt}, {"c", "3"}},
                          [&](auto result) { done.put(std::move(result)); });
  auto stored = done.any();
  ASSERT_TRUE(stored) << stored.error().text;
  std::map<std::string, std::string> expected{{"b", "2"}, {"c", "3"}};
  EXPECT_EQ(stored->data, expected);
  EXPECT_EQ(k.cluster.config_map("m"), expected);
}

TEST_F(ClusterWithClient, IsToldInTheClustersOwnWordsWhatIsWrong) {
  auto pod = script_pod("p", "true");
  pod["spec"]["serviceAccountName"] = "nobody";
  inbox<outcome<pod_snapshot>> answer;
  client.create_pod(pod.dump(), {{}, [&](auto result) { answer.put(result); }});
  auto refused = answer.any();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::forbidden);
  EXPECT_NE(refused.error().text.find("error looking up service account"),
            std::string::npos);
}

} // namespace
