#include "infra/sim/cluster_environment.hpp"

#include <map>
#include <optional>

#include "infra/crypto/cipher.hpp"
#include "infra/sim/cluster_manifest.hpp"
#include "infra/sim/cluster_text.hpp"

namespace cuttle::sim {

namespace {

using variables = std::map<std::string, std::string>;

tl::unexpected<config_error> missing(std::string text) {
  return tl::unexpected(
    config_error{"CreateContainerConfigError", std::move(text)});
}

std::string decoded(const nlohmann::json& value, bool secret) {
  auto text = value.get<std::string>();
  if (!secret)
    return text;
  auto raw = crypto::from_base64(text);
  return raw ? std::string{raw->begin(), raw->end()} : std::string{};
}

/// All variables of one `envFrom` entry.
tl::expected<void, config_error> add_source(const nlohmann::json& entry,
                                            const cluster_store& store,
                                            variables& out) {
  auto secret = entry.contains("secretRef");
  const auto& ref = value_at(entry, secret ? "/secretRef" : "/configMapRef");
  auto name = text_at(ref, "/name");
  auto found = store.find(secret ? "secrets" : "configmaps", name);
  if (!found) {
    if (ref.is_object() && ref.value("optional", false))
      return {};
    return missing((secret ? "secret \"" : "configmap \"") + name
                   + "\" not found");
  }
  auto prefix = text_at(entry, "/prefix");
  for (const auto& [key, value] : value_at(found->value, "/data").items())
    if (value.is_string())
      out[prefix + key] = decoded(value, secret);
  return {};
}

/// The value of a `valueFrom`; nothing when an optional key is not there.
tl::expected<std::optional<std::string>, config_error>
value_from(const nlohmann::json& source, const nlohmann::json& pod,
           const cluster_store& store) {
  if (source.contains("fieldRef")) {
    auto path = text_at(source, "/fieldRef/fieldPath");
    for (auto& c : path)
      c = c == '.' ? '/' : c;
    try {
      return text_at(pod, ('/' + path).c_str());
    } catch (const nlohmann::json::exception&) {
      return missing("fieldPath \"" + path + "\" not supported");
    }
  }
  auto secret = source.contains("secretKeyRef");
  const auto& ref
    = value_at(source, secret ? "/secretKeyRef" : "/configMapKeyRef");
  auto optional = ref.is_object() && ref.value("optional", false);
  auto name = text_at(ref, "/name");
  auto key = text_at(ref, "/key");
  auto kind = std::string{secret ? "secret" : "configmap"};
  auto found = store.find(secret ? "secrets" : "configmaps", name);
  if (!found && optional)
    return std::nullopt;
  if (!found)
    return missing(kind + " \"" + name + "\" not found");
  const auto& data = value_at(found->value, "/data");
  if (data.is_object() && data.contains(key) && data[key].is_string())
    return decoded(data[key], secret);
  if (optional)
    return std::nullopt;
  return missing("couldn't find key " + key + " in " + kind + ' '
                 + text_at(found->value, "/metadata/namespace") + '/' + name);
}

} // namespace

tl::expected<process_spec, config_error>
make_process_spec(const nlohmann::json& pod, const cluster_store& store) {
  const auto& container = script_container(pod);
  variables env;
  for (const auto& entry : value_at(container, "/envFrom"))
    if (auto added = add_source(entry, store, env); !added)
      return tl::unexpected(added.error());
  for (const auto& entry : value_at(container, "/env")) {
    auto name = text_at(entry, "/name");
    if (!entry.contains("valueFrom")) {
      env[name] = expand(text_at(entry, "/value"), env);
      continue;
    }
    auto value = value_from(entry["valueFrom"], pod, store);
    if (!value)
      return tl::unexpected(value.error());
    if (*value)
      env[name] = **value;
  }
  auto known = env;
  env.emplace("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
                      "/sbin:/bin");
  env.emplace("HOME", "/tmp");
  env["HOSTNAME"] = text_at(pod, "/metadata/name");
  env[pod_mark] = text_at(pod, "/metadata/uid");
  process_spec result;
  for (const auto* key : {"/command", "/args"})
    for (const auto& part : value_at(container, key))
      result.arguments.push_back(expand(part.get<std::string>(), known));
  for (const auto& [name, value] : env)
    result.environment.push_back(name + '=' + value);
  if (auto dir = text_at(container, "/workingDir"); !dir.empty())
    result.directory = dir;
  if (!container.contains("command") || container["command"].empty())
    return tl::unexpected(
      config_error{"CreateContainerError", "no command specified"});
  return result;
}

} // namespace cuttle::sim
