#include "programs/cuttle/bootstrap.hpp"

#include <array>
#include <memory>
#include <mutex>
#include <optional>

#include "infra/telemetry/log.hpp"

namespace cuttle {

namespace {

using namespace std::chrono_literals;
using kubernetes::stored_map;
using settings::problem;
using settings::string_map;

constexpr std::array<std::chrono::milliseconds, 6> retry_pauses{
  500ms, 1s, 2s, 5s, 10s, 15s};

// Result of one driver call, for a thread that waits. Shared with the driver,
// since the waiting may end first.
template <class T>
struct slot {
  std::mutex mutex;
  std::optional<outcome<T>> value;
};

// Runs one driver call to its end; nothing when interrupted.
template <class T, class Call>
std::optional<outcome<T>> await(stop_signal& stop, Call call) {
  auto result = std::make_shared<slot<T>>();
  auto ready = std::make_shared<std::atomic<bool>>(false);
  call([result, ready, &stop](outcome<T> value) {
    {
      std::lock_guard lock{result->mutex};
      result->value.emplace(std::move(value));
    }
    *ready = true;
    stop.notify();
  });
  if (stop.wait([&] { return ready->load(); }) && !*ready)
    return std::nullopt;
  std::lock_guard lock{result->mutex};
  return std::move(result->value);
}

bool curable(errc code) {
  return code == errc::unavailable || code == errc::deadline_exceeded
         || code == errc::overloaded;
}

// Repeats a call until it works, fails for good or is interrupted.
template <class T, class Call>
std::optional<outcome<T>> insist(stop_signal& stop, const char* what,
                                 Call call) {
  for (std::size_t attempt = 0;; ++attempt) {
    auto result = await<T>(stop, call);
    if (!result || *result || !curable(result->error().code))
      return result;
    auto pause = retry_pauses[std::min(attempt, retry_pauses.size() - 1)];
    telemetry::warn("start-waits-for-cluster",
                    {{"for", what},
                     {"reason", result->error().text},
                     {"retry_in_ms", pause.count()}});
    if (stop.wait_for(pause, [] { return false; }))
      return std::nullopt;
  }
}

class loader {
public:
  loader(kubernetes::cluster& cluster,
         const settings::environment_settings& env, stop_signal& stop)
    : cluster_(cluster), env_(env), stop_(stop) {}

  bootstrap_result run() {
    auto config = insist<stored_map>(stop_, "config map", [&](auto done) {
      cluster_.get_config_map(env_.config_map, done);
    });
    if (!config)
      return interrupted{};
    if (!*config)
      return missing(
        "Unable to retrieve Tentacle Configuration from config map",
        env_.config_map, config->error());
    auto secret = insist<stored_map>(stop_, "secret", [&](auto done) {
      cluster_.get_secret(env_.encryption_secret, done);
    });
    if (!secret)
      return interrupted{};
    if (!*secret)
      return missing("Unable to retrieve MachineKey from secret",
                     env_.encryption_secret, secret->error());
    auto secret_data = std::move((*secret)->data);
    if (auto trouble = complete_keys(secret_data))
      return *trouble;
    auto key_of = [&](const char* name) {
      auto& text = secret_data[name];
      return crypto::byte_span{
        reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
    };
    settings::contribute((*config)->data, env_.contributions,
                         key_of("machine-key"), key_of("machine-iv"));
    auto stored = settings::read_stored((*config)->data, secret_data);
    settings::wipe(secret_data);
    if (!stored)
      return stored.error();
    stored->config_map_uid = (*config)->uid;
    if (!stored->identity.valid())
      if (auto trouble = make_identity(*stored))
        return *trouble;
    return std::move(*stored);
  }

private:
  // A worker that is new in its namespace makes its machine keys [CFG-11].
  std::optional<bootstrap_result> complete_keys(string_map& data) {
    if (data.contains("machine-key") && data.contains("machine-iv"))
      return std::nullopt;
    auto keys = settings::new_machine_keys();
    auto result = patch(env_.encryption_secret, keys, true);
    if (!result)
      return bootstrap_result{interrupted{}};
    if (!*result)
      return missing("The machine key could not be stored in secret",
                     env_.encryption_secret, result->error());
    for (auto& [key, value] : keys)
      data[key] = value;
    telemetry::info("machine-key-created");
    return std::nullopt;
  }

  std::optional<bootstrap_result>
  make_identity(settings::stored_settings& stored) {
    auto identity = crypto::identity::generate();
    if (!identity)
      return bootstrap_result{
        std::vector<problem>{{"certificate", identity.error().text}}};
    auto entries = settings::identity_entries(*identity, stored.machine_key,
                                              stored.machine_iv);
    auto result = patch(env_.config_map, entries, false);
    if (!result)
      return bootstrap_result{interrupted{}};
    if (!*result)
      return missing("The new certificate could not be stored in config map",
                     env_.config_map, result->error());
    stored.identity = *identity;
    telemetry::info("certificate-created",
                    {{"thumbprint", stored.identity.thumbprint()}});
    return std::nullopt;
  }

  std::optional<outcome<stored_map>>
  patch(const std::string& name, const string_map& entries, bool secret) {
    std::map<std::string, std::optional<std::string>> data{entries.begin(),
                                                           entries.end()};
    return insist<stored_map>(stop_, "patch", [&](auto done) {
      if (secret)
        cluster_.patch_secret(name, data, {}, done);
      else
        cluster_.patch_config_map(name, data, done);
    });
  }

  bootstrap_result missing(const char* what, const std::string& name,
                           const failure& reason) const {
    return std::vector<problem>{{name, std::string{what} + " for namespace "
                                         + env_.pods.namespace_name + ": "
                                         + reason.text}};
  }

  kubernetes::cluster& cluster_;
  const settings::environment_settings& env_;
  stop_signal& stop_;
};

} // namespace

bootstrap_result load_stored_settings(kubernetes::cluster& cluster,
                                      const settings::environment_settings& env,
                                      stop_signal& stop) {
  return loader{cluster, env, stop}.run();
}

} // namespace cuttle
