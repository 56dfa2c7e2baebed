#include "programs/cuttle/register_store.hpp"

#include "infra/kubernetes/paths.hpp"
#include "programs/cuttle/await.hpp"

namespace cuttle {

namespace {

using namespace std::chrono_literals;
using octopus::answer;
using octopus::mistake;
using octopus::wrong;

kubernetes::api_options options_of(std::chrono::milliseconds patience) {
  kubernetes::api_options result;
  result.connect_timeout = std::min<std::chrono::milliseconds>(patience, 3s);
  result.request_timeout = std::min<std::chrono::milliseconds>(patience, 10s);
  result.patience = patience;
  result.body_bytes = 8 * 1024 * 1024;
  return result;
}

} // namespace

register_store::register_store(kubernetes::access access,
                               std::chrono::milliseconds patience)
  : namespace_name_(access.namespace_name), server_(access.server),
    patience_(patience), api_(std::make_unique<kubernetes::api_client>(
                           std::move(access), options_of(patience))) {}

template <class T, class Call>
answer<T> register_store::wait(const std::string& what, mistake absent,
                               Call call) {
  auto answered = await<T>(patience_ + 1s, std::move(call));
  if (!answered)
    return wrong(mistake::cluster_unreachable,
                 "The API server " + server_
                   + " gave no answer in time to: " + what + ".");
  auto& result = *answered;
  if (result) {
    if constexpr (std::is_void_v<T>)
      return {};
    else
      return std::move(*result);
  }
  auto& why = result.error();
  switch (why.code) {
  case errc::not_found:
    return wrong(absent, why.text + " It should be in namespace '"
                           + namespace_name_
                           + "'; the Helm chart makes it. Check the namespace, "
                             "and install the chart.");
  case errc::forbidden:
    return wrong(mistake::cluster_forbidden,
                 why.text
                   + " The service account of the worker needs get and patch "
                     "on its config map and secret, as the chart's role has "
                     "it.");
  case errc::unavailable:
  case errc::deadline_exceeded:
  case errc::overloaded:
    return wrong(mistake::cluster_unreachable, why.text);
  default:
    return wrong(mistake::stored_wrong, why.text);
  }
}

answer<kubernetes::stored_map>
register_store::config_map(const std::string& name) {
  return wait<kubernetes::stored_map>(
    "get config map " + name, mistake::config_map_missing,
    [&](auto done) { api_->get_config_map(name, done); });
}

answer<kubernetes::stored_map> register_store::secret(const std::string& name) {
  return wait<kubernetes::stored_map>(
    "get secret " + name, mistake::secret_missing,
    [&](auto done) { api_->get_secret(name, done); });
}

answer<void> register_store::patch_config_map(const std::string& name,
                                              const entries& data) {
  return wait<kubernetes::stored_map>(
           "patch config map " + name, mistake::config_map_missing,
           [&](auto done) { api_->patch_config_map(name, data, done); })
    .map([](auto&&) {});
}

answer<void> register_store::patch_secret(const std::string& name,
                                          const entries& data) {
  return wait<kubernetes::stored_map>(
           "patch secret " + name, mistake::secret_missing,
           [&](auto done) { api_->patch_secret(name, data, {}, done); })
    .map([](auto&&) {});
}

answer<void> register_store::remove(const std::string& resource,
                                    const std::string& name) {
  auto path = kubernetes::object_path(namespace_name_, resource, name);
  auto done = wait<std::string>(
    "delete " + resource + " " + name, mistake::config_map_missing,
    [&](auto result) { api_->raw("DELETE", path, {}, result); });
  if (!done && done.error().what != mistake::config_map_missing)
    return tl::unexpected(done.error());
  return {};
}

answer<kubernetes::access> find_cluster(const std::string& kubeconfig,
                                        const std::string& wanted,
                                        const std::string& from_environment) {
  auto access = kubeconfig.empty() ? kubernetes::in_cluster_access()
                                   : kubernetes::kubeconfig_access(kubeconfig);
  if (!access)
    return wrong(mistake::cluster_unreachable,
                 access.error().text
                   + (kubeconfig.empty()
                        ? " Outside of a cluster, use --kubeconfig and "
                          "--namespace."
                        : ""));
  if (!wanted.empty())
    access->namespace_name = wanted;
  else if (!from_environment.empty())
    access->namespace_name = from_environment;
  if (access->namespace_name.empty())
    access->namespace_name = "default";
  return *access;
}

} // namespace cuttle
