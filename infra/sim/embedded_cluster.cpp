#include "infra/sim/embedded_cluster.hpp"

#include <fstream>
#include <sys/stat.h>

#include "infra/crypto/cipher.hpp"
#include "infra/sim/cluster_api.hpp"
#include "infra/sim/cluster_clock.hpp"
#include "infra/sim/cluster_events.hpp"
#include "infra/sim/cluster_http.hpp"
#include "infra/sim/cluster_kubelet.hpp"
#include "infra/sim/cluster_pod.hpp"
#include "infra/sim/cluster_store.hpp"
#include "infra/sim/cluster_text.hpp"
#include "infra/sim/cluster_trouble.hpp"

namespace cuttle::sim {

namespace {

constexpr std::size_t token_size = 48;

/// A folder that only this user can read; removed at the end when made here.
class work_folder {
public:
  explicit work_folder(std::filesystem::path wanted) {
    if (wanted.empty()) {
      auto pattern
        = (std::filesystem::temp_directory_path() / "cuttle-cluster-XXXXXX")
            .string();
      if (auto* made = mkdtemp(pattern.data())) {
        path_ = made;
        made_ = true;
      }
      return;
    }
    std::error_code error;
    made_ = std::filesystem::create_directories(wanted, error);
    path_ = std::move(wanted);
    if (made_)
      std::filesystem::permissions(path_, std::filesystem::perms::owner_all,
                                   error);
  }

  ~work_folder() {
    std::error_code ignored;
    if (made_)
      std::filesystem::remove_all(path_, ignored);
  }

  work_folder(const work_folder&) = delete;
  work_folder& operator=(const work_folder&) = delete;

  const std::filesystem::path& path() const {
    return path_;
  }

private:
  std::filesystem::path path_;
  bool made_ = false;
};

/// Replaces a file so that a reader sees the old or the new text.
bool write_private(const std::filesystem::path& file, const std::string& text) {
  auto next = file;
  next += ".new";
  {
    std::ofstream out{next, std::ios::binary | std::ios::trunc};
    chmod(next.c_str(), S_IRUSR | S_IWUSR);
    out << text;
    if (!out.flush())
      return false;
  }
  std::error_code error;
  std::filesystem::rename(next, file, error);
  return !error;
}

std::string kubeconfig_text(const std::string& url,
                            const std::string& namespace_name,
                            const std::string& authority_pem,
                            const std::filesystem::path& token_file) {
  auto authority = crypto::to_base64(crypto::as_bytes(authority_pem));
  return R"(apiVersion: v1
kind: Config
current-context: embedded
clusters:
- name: embedded
  cluster:
    server: )"
         + url + "\n    certificate-authority-data: " + authority + R"(
users:
- name: worker
  user:
    tokenFile: )"
         + token_file.string() + R"(
contexts:
- name: embedded
  context:
    cluster: embedded
    user: worker
    namespace: )"
         + namespace_name + '\n';
}

} // namespace

struct embedded_cluster::impl {
  explicit impl(options o)
    : opts(std::move(o)), folder(opts.directory),
      store(opts.namespace_name, opts.history),
      events(store, opts.namespace_name),
      node(std::make_unique<kubelet>(store, events, node_options())),
      api(api_options(), store, *node, trouble),
      http(std::make_unique<cluster_http>(api, store, trouble.moods(),
                                          opts.bookmark_interval)) {
    store.on_change([this] { http->wake_watches(); });
  }

  ~impl() {
    // Pods that end still wake the wire, so it is stopped but not gone yet.
    http->stop();
    node.reset();
  }

  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;

  kubelet::options node_options() {
    kubelet::options result;
    result.log_directory = folder.path();
    result.schedule_delay = opts.schedule_delay;
    result.pull_delay = opts.pull_delay;
    result.pull_back_off = opts.pull_back_off;
    result.missing_images = opts.missing_images;
    result.rotate_bytes = opts.rotate_bytes;
    result.processes = opts.processes;
    result.player = opts.player;
    result.on_log = [this](const std::string& uid) { http->wake_log(uid); };
    return result;
  }

  cluster_api::options api_options() const {
    return {opts.namespace_name, first_token, opts.kubernetes_version,
            opts.service_accounts, opts.on_pod};
  }

  void put(const std::string& resource, const std::string& name,
           const nlohmann::json& data) {
    auto replace = [&](nlohmann::json& object) -> std::optional<api_error> {
      object["data"] = data;
      return std::nullopt;
    };
    if (store.update(resource, name, {}, replace))
      return;
    nlohmann::json object{{"kind", kind_of(resource)},
                          {"apiVersion", "v1"},
                          {"metadata", {{"name", name}}},
                          {"data", data}};
    if (resource == "secrets")
      object["type"] = "Opaque";
    // Somebody may have made it in between.
    if (!store.create(resource, std::move(object)))
      (void)store.update(resource, name, {}, replace);
  }

  const options opts;
  const work_folder folder;
  const std::string first_token = random_hex(token_size);
  cluster_store store;
  event_recorder events;
  cluster_trouble trouble;
  std::unique_ptr<kubelet> node;
  cluster_api api;
  std::unique_ptr<cluster_http> http;
  api_certificate certificate;
  std::uint16_t port = 0;
};

embedded_cluster::embedded_cluster(options options)
  : impl_(std::make_unique<impl>(std::move(options))) {}

embedded_cluster::~embedded_cluster() {
  skew_cluster_clock(std::chrono::seconds{0});
}

outcome<std::uint16_t> embedded_cluster::start() {
  if (impl_->folder.path().empty())
    return fail(errc::io_error, "The embedded cluster cannot make its folder.");
  auto certificate = make_api_certificate();
  if (!certificate)
    return tl::unexpected(certificate.error());
  auto port = impl_->http->start(*certificate);
  if (!port)
    return port;
  impl_->certificate = std::move(*certificate);
  impl_->port = *port;
  if (!write_private(impl_->folder.path() / "token", impl_->first_token)
      || !write_private(impl_->folder.path() / "kubeconfig",
                        kubeconfig_text(url(), namespace_name(),
                                        impl_->certificate.certificate_pem,
                                        impl_->folder.path() / "token")))
    return fail(errc::io_error, "The embedded cluster cannot write to "
                                  + impl_->folder.path().string() + '.');
  return port;
}

std::string embedded_cluster::url() const {
  return "https://127.0.0.1:" + std::to_string(impl_->port);
}

const std::string& embedded_cluster::namespace_name() const {
  return impl_->opts.namespace_name;
}

std::filesystem::path embedded_cluster::kubeconfig() const {
  return impl_->folder.path() / "kubeconfig";
}

void embedded_cluster::put_config_map(
  const std::string& name, const std::map<std::string, std::string>& data) {
  impl_->put("configmaps", name, data);
}

void embedded_cluster::put_secret(
  const std::string& name, const std::map<std::string, std::string>& data) {
  auto encoded = nlohmann::json::object();
  for (const auto& [key, value] : data)
    encoded[key] = crypto::to_base64(crypto::as_bytes(value));
  impl_->put("secrets", name, encoded);
}

std::map<std::string, std::string>
embedded_cluster::config_map(const std::string& name) const {
  std::map<std::string, std::string> result;
  if (auto found = impl_->store.find("configmaps", name))
    for (const auto& [key, value] : value_at(found->value, "/data").items())
      if (value.is_string())
        result[key] = value.get<std::string>();
  return result;
}

std::vector<std::string> embedded_cluster::pods() const {
  return names("pods");
}

std::vector<std::string>
embedded_cluster::names(const std::string& resource) const {
  std::vector<std::string> result;
  for (const auto& object : impl_->store.list(resource, selector{}).items)
    result.push_back(object->name);
  return result;
}

std::string embedded_cluster::object(const std::string& resource,
                                     const std::string& name) const {
  auto found = impl_->store.find(resource, name);
  return found ? found->text : std::string{};
}

void embedded_cluster::add_old_events(unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    auto number = std::to_string(i);
    nlohmann::json pod{{"metadata",
                        {{"name", "octopus-script-gone-" + number},
                         {"uid", "gone-" + number},
                         {"resourceVersion", "1"}}}};
    impl_->events.kubelet(pod, {}, "Warning", "FailedMount",
                          "MountVolume.SetUp failed for a volume of a pod that "
                          "is gone");
  }
}

std::vector<std::string> embedded_cluster::calls() const {
  return impl_->trouble.calls();
}

std::size_t embedded_cluster::connections() const {
  return impl_->http->connections();
}

void embedded_cluster::delete_pod(const std::string& name,
                                  std::chrono::seconds grace) {
  (void)impl_->api.delete_pod(name, {}, grace);
}

void embedded_cluster::evict(const std::string& name, const std::string& reason,
                             const std::string& message) {
  auto fail_whole = [&](nlohmann::json& pod) -> std::optional<api_error> {
    mark_failed(pod, reason, message);
    return std::nullopt;
  };
  auto done = impl_->store.update("pods", name, {}, fail_whole);
  if (!done)
    return;
  impl_->events.kubelet((*done)->value, {}, "Warning", reason, message);
  impl_->node->kill((*done)->uid);
}

void embedded_cluster::oom_kill(const std::string& name) {
  if (auto pod = impl_->store.find("pods", name))
    impl_->node->kill_for_memory(pod->uid);
}

void embedded_cluster::refuse(const std::string& verb,
                              const std::string& resource, unsigned status,
                              const std::string& message, unsigned times,
                              std::map<std::string, std::string> headers) {
  auto error = plain_error(status, message);
  error.headers = std::move(headers);
  impl_->trouble.add({verb, resource, times, std::move(error)});
}

void embedded_cluster::take_at_most(const std::string& verb,
                                    const std::string& resource,
                                    unsigned calls) {
  auto refusal = plain_error(429, "Too many requests, please try again later.");
  refusal.headers = {{"Retry-After", "1"}};
  impl_->trouble.take_at_most(verb, resource, calls, std::move(refusal));
}

void embedded_cluster::set_pod_quota(unsigned pods) {
  impl_->trouble.moods().pod_quota = pods;
}

void embedded_cluster::lose_answers(const std::string& verb,
                                    const std::string& resource,
                                    unsigned times) {
  impl_->trouble.add({verb, resource, times, std::nullopt});
}

void embedded_cluster::break_at(
  unsigned n, bool after_effect,
  std::function<void(const std::string& call)> action) {
  impl_->trouble.break_at(n, after_effect, std::move(action));
}

void embedded_cluster::rotate_token() {
  auto token = random_hex(token_size);
  (void)write_private(impl_->folder.path() / "token", token);
  impl_->api.set_token(token);
}

void embedded_cluster::slow_down(std::chrono::milliseconds by) {
  impl_->http->slow_down(by);
}

void embedded_cluster::cut_connections(std::chrono::milliseconds for_how_long) {
  impl_->http->cut(for_how_long);
}

void embedded_cluster::make_room_for(unsigned processes) {
  impl_->node->set_places(processes);
}

void embedded_cluster::cut_watches() {
  ++impl_->trouble.moods().cut_watches;
  impl_->http->wake_streams();
}

void embedded_cluster::cut_logs() {
  ++impl_->trouble.moods().cut_logs;
  impl_->http->wake_streams();
}

void embedded_cluster::silence_watches(bool on) {
  impl_->trouble.moods().silent_watches = on;
  impl_->http->wake_streams();
}

void embedded_cluster::deaden_watches() {
  ++impl_->trouble.moods().dead_watches;
  impl_->http->wake_streams();
}

void embedded_cluster::withhold_bookmarks(bool on) {
  impl_->trouble.moods().no_bookmarks = on;
}

void embedded_cluster::mix_up(bool on) {
  impl_->trouble.moods().disorder = on;
  impl_->http->wake_streams();
}

void embedded_cluster::skew_clock(std::chrono::seconds ahead) {
  skew_cluster_clock(ahead);
}

void embedded_cluster::compact() {
  impl_->store.compact();
}

} // namespace cuttle::sim
