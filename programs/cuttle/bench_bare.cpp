#include "programs/cuttle/bench_bare.hpp"

#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>

namespace cuttle {

namespace {

using steady = std::chrono::steady_clock;

constexpr std::string_view prefix = "octopus-script-bare-";
constexpr std::chrono::minutes most_patience{30};

// Follows the bare pods by a watch.
class bare_watch {
public:
  bare_watch(const kubernetes::access& access, stop_signal& stop)
    : stop_(stop), client_(access) {
    client_.watch_pods({[this](const std::vector<pod_snapshot>& pods) {
                          for (auto& pod : pods)
                            tell(pod);
                        },
                        [this](const pod_snapshot& pod) { tell(pod); },
                        [](const pod_snapshot&) {},
                        [](const failure&, std::chrono::milliseconds) {}});
  }

  bool wait_ended(std::size_t pods) {
    auto ready = [&] {
      std::lock_guard lock{mutex_};
      return ended_.size() >= pods;
    };
    stop_.wait_for(most_patience, ready);
    return ready();
  }

  steady::time_point last_created() {
    std::lock_guard lock{mutex_};
    return last_created_;
  }

  steady::time_point last_ended() {
    std::lock_guard lock{mutex_};
    return last_ended_;
  }

private:
  void tell(const pod_snapshot& pod) {
    if (!pod.name.starts_with(prefix))
      return;
    auto now = steady::now();
    {
      std::lock_guard lock{mutex_};
      if (known_.insert(pod.name).second)
        last_created_ = now;
      if (pod.phase != "Succeeded" && pod.phase != "Failed")
        return;
      if (!ended_.insert(pod.name).second)
        return;
      last_ended_ = now;
    }
    client_.delete_pod(pod.name, pod.uid, {}, [](const outcome<void>&) {});
    stop_.notify();
  }

  stop_signal& stop_;
  std::mutex mutex_;
  std::set<std::string> known_;
  std::set<std::string> ended_;
  steady::time_point last_created_;
  steady::time_point last_ended_;
  // Last, since its thread uses the others.
  kubernetes::api_client client_;
};

} // namespace

std::vector<std::string> bare_manifests(const std::string& pod,
                                        std::uint64_t count,
                                        const std::string& script) {
  auto object = nlohmann::json::parse(pod, nullptr, false);
  if (!object.is_object() || !object.contains("spec"))
    return {};
  object.erase("status");
  auto& metadata = object["metadata"];
  for (auto key :
       {"uid", "resourceVersion", "creationTimestamp", "managedFields"})
    metadata.erase(key);
  object["spec"].erase("nodeName");
  if (!script.empty()) {
    auto& container = object["spec"]["containers"][0];
    container.erase("args");
    container["command"] = {"bash", "-c", script};
  }
  std::vector<std::string> result;
  for (std::uint64_t i = 0; i < count; ++i) {
    metadata["name"] = std::string{prefix} + std::to_string(i);
    result.push_back(object.dump());
  }
  return result;
}

steady::time_point create_all(const kubernetes::access& access,
                              std::vector<std::string> manifests) {
  auto count = manifests.size();
  kubernetes::api_options options;
  options.queue = count;
  std::condition_variable changed;
  std::size_t done = 0;
  std::mutex mutex;
  auto count_one = [&](const auto&) {
    std::lock_guard lock{mutex};
    ++done;
    changed.notify_all();
  };
  auto wait = [&](std::size_t wanted) {
    std::unique_lock lock{mutex};
    changed.wait(lock, [&] { return done >= wanted; });
  };
  // (last, since its thread uses the others)
  kubernetes::api_client client{access, std::move(options)};
  client.get_version(count_one);
  wait(1);
  auto start = steady::now();
  for (auto& manifest : manifests)
    client.create_pod(std::move(manifest), {{}, count_one});
  wait(1 + count);
  return start;
}

std::optional<bare_result> run_bare(const kubernetes::access& access,
                                    std::vector<std::string> manifests,
                                    stop_signal& stop) {
  auto count = manifests.size();
  bare_watch pods{access, stop};
  auto start = create_all(access, std::move(manifests));
  if (!pods.wait_ended(count))
    return std::nullopt;
  auto seconds = [&](steady::time_point to) {
    return std::chrono::duration<double>(to - start).count();
  };
  return bare_result{static_cast<double>(count) / seconds(pods.last_created()),
                     seconds(pods.last_ended())};
}

} // namespace cuttle
