#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "infra/kubernetes/api_client.hpp"
#include "infra/octopus/mistake.hpp"

namespace cuttle {

/// The config maps and secrets of one namespace, for a program that does one
/// thing after the other. Each call blocks, at most for `patience` and a
/// second. One thread at a time.
class register_store {
public:
  using entries = std::map<std::string, std::optional<std::string>>;

  register_store(kubernetes::access access, std::chrono::milliseconds patience);

  /// `config_map_missing` when there is none, and so on.
  octopus::answer<kubernetes::stored_map> config_map(const std::string& name);
  octopus::answer<kubernetes::stored_map> secret(const std::string& name);

  /// Nothing for a value removes the key.
  octopus::answer<void> patch_config_map(const std::string& name,
                                         const entries& data);
  octopus::answer<void> patch_secret(const std::string& name,
                                     const entries& data);

  /// `resource` is `configmaps` or `secrets`. What is gone is a success.
  octopus::answer<void> remove(const std::string& resource,
                               const std::string& name);

private:
  template <class T, class Call>
  octopus::answer<T> wait(const std::string& what, octopus::mistake absent,
                          Call call);

  std::string namespace_name_;
  std::string server_;
  std::chrono::milliseconds patience_;
  std::unique_ptr<kubernetes::api_client> api_;
};

/// How to reach the cluster: the kubeconfig file if there is one, else the
/// pod's service account. The namespace is the first that is not empty of
/// `wanted`, `from_environment` and the credentials' own.
octopus::answer<kubernetes::access>
find_cluster(const std::string& kubeconfig, const std::string& wanted,
             const std::string& from_environment);

} // namespace cuttle
