#include "programs/cuttle/bench_cluster.hpp"

#include <mutex>
#include <set>

#include "infra/load/played_runner.hpp"
#include "infra/load/script_plan.hpp"
#include "infra/sim/embedded_cluster.hpp"
#include "programs/cuttle/bench_links.hpp"

namespace cuttle {

namespace {

// Enough for every event between two reads of a watch.
constexpr std::size_t watch_history = 200'000;
constexpr unsigned any_number_of_pods = 1'000'000;

class embedded final : public bench_cluster, demo_cluster {
public:
  embedded(const std::filesystem::path& directory,
           const load::load_profile& profile, bool played)
    : cluster_(options_of(directory, profile, played)), played_(played),
      old_events_(profile.old_events) {}

  outcome<void> start() {
    auto port = cluster_.start();
    if (!port)
      return tl::unexpected(port.error());
    return {};
  }

  demo_cluster& objects() override {
    return *this;
  }

  outcome<void> watch_pods(pod_observer on_pod) override {
    std::lock_guard lock{mutex_};
    on_pod_ = std::move(on_pod);
    return {};
  }

  void watch_lines(line_observer on_line) override {
    std::lock_guard lock{mutex_};
    on_line_ = std::move(on_line);
  }

  void stop_watching() override {
    std::lock_guard lock{mutex_};
    on_pod_ = nullptr;
    on_line_ = nullptr;
  }

  void freeze(std::chrono::milliseconds how_long) override {
    cluster_.slow_down(how_long);
    cluster_.silence_watches(how_long.count() > 0);
  }

  std::optional<bare_result> create_bare(std::uint64_t count,
                                         stop_signal&) override;

  std::optional<std::map<std::string, std::uint64_t>> calls() const override {
    std::map<std::string, std::uint64_t> result;
    for (auto& call : cluster_.calls()) {
      // "verb resource name", without the name
      auto end = call.find(' ', call.find(' ') + 1);
      ++result[call.substr(0, end)];
    }
    return result;
  }

  std::string description() const override {
    return std::string{"embedded cluster ("}
           + (played_ ? "played pods)" : "pods are processes)");
  }

  std::string namespace_name() const override {
    return cluster_.namespace_name();
  }

  outcome<kubernetes::access> worker_access() const override {
    return kubernetes::kubeconfig_access(cluster_.kubeconfig());
  }

  std::filesystem::path kubeconfig() const override {
    return cluster_.kubeconfig();
  }

  outcome<void>
  prepare(const std::filesystem::path&,
          const std::map<std::string, std::string>& config,
          const std::map<std::string, std::string>& secret) override {
    cluster_.put_config_map("tentacle-config", config);
    cluster_.put_secret("tentacle-secret", secret);
    cluster_.add_old_events(old_events_);
    return {};
  }

  void clean_up() override {}

private:
  sim::embedded_cluster::options
  options_of(const std::filesystem::path& directory,
             const load::load_profile& profile, bool played) {
    sim::embedded_cluster::options result;
    result.directory = directory;
    result.schedule_delay = profile.schedule_delay;
    result.pull_delay = profile.pull_delay;
    result.history = watch_history;
    result.on_pod = [this](const std::string& name, auto asked) {
      std::lock_guard lock{mutex_};
      last_pod_at_ = std::chrono::steady_clock::now();
      if (manifest_.empty())
        manifest_ = cluster_.object("pods", name);
      if (on_pod_)
        on_pod_(name, asked);
    };
    if (played) {
      result.processes = any_number_of_pods;
      result.player = [this](const sim::process_spec& container) {
        return load::play_runner(container, [this](auto& workspace, auto& key) {
          return links_.dial(workspace, key);
        });
      };
    }
    return result;
  }

  // Before the cluster, whose threads use them.
  std::mutex mutex_;
  pod_observer on_pod_;
  line_observer on_line_;
  std::chrono::steady_clock::time_point last_pod_at_;
  std::string manifest_;
  bench_links links_{[this](std::chrono::microseconds after) {
    std::lock_guard lock{mutex_};
    if (on_line_)
      on_line_(after);
  }};
  sim::embedded_cluster cluster_;
  const bool played_;
  const unsigned old_events_;
};

std::optional<bare_result> embedded::create_bare(std::uint64_t count,
                                                 stop_signal&) {
  auto access = worker_access();
  auto manifests = bare_manifests(manifest_, count);
  if (!access || manifests.empty())
    return std::nullopt;
  access->namespace_name = namespace_name();
  auto start = create_all(*access, std::move(manifests));
  // (whose workspace is gone, so that their end says nothing)
  std::lock_guard lock{mutex_};
  auto took = std::chrono::duration<double>(last_pod_at_ - start).count();
  return bare_result{static_cast<double>(count) / took};
}

class real final : public bench_cluster {
public:
  real(std::unique_ptr<demo_cluster> objects, std::string script)
    : objects_(std::move(objects)), script_(std::move(script)) {}

  demo_cluster& objects() override {
    return *objects_;
  }

  outcome<void> watch_pods(pod_observer on_pod) override {
    auto access = objects_->worker_access();
    if (!access)
      return tl::unexpected(access.error());
    access->namespace_name = objects_->namespace_name();
    watcher_ = std::make_unique<kubernetes::api_client>(std::move(*access));
    auto tell = [this, on_pod](const pod_snapshot& pod) {
      if (!known_.insert(pod.uid).second)
        return;
      on_pod(pod.name, std::nullopt);
      if (known_.size() == 1)
        keep_manifest(pod.name);
    };
    watcher_->watch_pods({[tell](const std::vector<pod_snapshot>& pods) {
                            for (auto& pod : pods)
                              tell(pod);
                          },
                          tell, [](const pod_snapshot&) {},
                          [](const failure&, std::chrono::milliseconds) {}});
    return {};
  }

  void stop_watching() override {
    watcher_.reset();
  }

  std::optional<std::map<std::string, std::uint64_t>> calls() const override {
    return std::nullopt;
  }

  std::optional<bare_result> create_bare(std::uint64_t count,
                                         stop_signal& stop) override {
    auto access = objects_->worker_access();
    std::unique_lock lock{mutex_};
    auto manifests = bare_manifests(manifest_, count, script_);
    lock.unlock();
    if (!access || manifests.empty())
      return std::nullopt;
    access->namespace_name = objects_->namespace_name();
    return run_bare(*access, std::move(manifests), stop);
  }

private:
  void keep_manifest(const std::string& pod) {
    watcher_->raw("GET",
                  "/api/v1/namespaces/" + objects_->namespace_name() + "/pods/"
                    + pod,
                  {}, [this](outcome<std::string> object) {
                    std::lock_guard lock{mutex_};
                    manifest_ = object.value_or(std::string{});
                  });
  }

  std::unique_ptr<demo_cluster> objects_;
  const std::string script_;
  std::mutex mutex_;
  std::string manifest_;
  // Of pods that were told; on the watcher's thread.
  std::set<std::string> known_;
  std::unique_ptr<kubernetes::api_client> watcher_;
};

} // namespace

outcome<std::unique_ptr<bench_cluster>>
make_embedded_bench_cluster(const std::filesystem::path& directory,
                            const load::load_profile& profile, bool played) {
  auto result = std::make_unique<embedded>(directory, profile, played);
  if (auto started = result->start(); !started)
    return tl::unexpected(started.error());
  return result;
}

outcome<std::unique_ptr<bench_cluster>>
make_real_bench_cluster(const std::filesystem::path& kubeconfig,
                        const std::string& unique_name,
                        const load::load_profile& profile) {
  auto objects = make_real_demo_cluster(kubeconfig, unique_name);
  if (!objects)
    return tl::unexpected(objects.error());
  return std::make_unique<real>(std::move(*objects),
                                load::script_text(profile.script));
}

} // namespace cuttle
