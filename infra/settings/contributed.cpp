#include "infra/settings/environment_reader.hpp"
#include "infra/settings/keys.hpp"
#include "infra/settings/settings.hpp"

namespace cuttle::settings {

namespace {

struct contribution {
  const char* variable;
  const char* key;
  /// The config map has it encrypted [CFG-08].
  bool sealed = false;
};

// Those of `worker-behaviour` 2.4 that this worker has a use for.
constexpr contribution contributions[] = {
  {"TENTACLE_TRUSTED_SERVERS", key_servers},
  {"TENTACLE_CERTIFICATE", key_certificate, true},
  {"TENTACLE_CERTIFICATE_THUMBPRINT", key_thumbprint},
  {"TENTACLE_POLLING_CUSTOM_PROXY_HOST", key_proxy_host},
  {"TENTACLE_POLLING_CUSTOM_PROXY_PORT", key_proxy_port},
  {"TENTACLE_POLLING_CUSTOM_PROXY_USER", key_proxy_username},
  {"TENTACLE_POLLING_CUSTOM_PROXY_PASSWORD", key_proxy_password, true},
};

std::string_view without_quotes(std::string_view text) {
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'')
      && text.back() == text.front())
    return text.substr(1, text.size() - 2);
  return text;
}

} // namespace

environment with_env_file(environment first, std::string_view text) {
  std::map<std::string, std::string> file;
  while (!text.empty()) {
    auto end = text.find('\n');
    auto line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    auto equals = line.find('=');
    if (line.empty() || line.front() == '#' || equals == std::string_view::npos)
      continue;
    file[std::string{trimmed(line.substr(0, equals))}]
      = without_quotes(trimmed(line.substr(equals + 1)));
  }
  return [first = std::move(first), file = std::move(file)](
           const std::string& name) -> std::optional<std::string> {
    if (auto value = first(name))
      return value;
    // The file has these names only.
    auto of_settings
      = name.starts_with("OCTOPUS_") || name.starts_with("TENTACLE_");
    auto i = of_settings && !name.starts_with("OCTOPUS__") ? file.find(name)
                                                           : file.end();
    return i == file.end() ? std::nullopt : std::optional{i->second};
  };
}

string_map read_contributions(const environment& env) {
  string_map result;
  for (auto& x : contributions)
    if (auto value = env(x.variable); value && !trimmed(*value).empty())
      result[x.key] = *value;
  return result;
}

void contribute(string_map& config_map, const string_map& contributions_of_env,
                crypto::byte_span machine_key, crypto::byte_span machine_iv) {
  for (auto& x : contributions) {
    auto i = contributions_of_env.find(x.key);
    if (i == contributions_of_env.end())
      continue;
    // Keys that cannot be used are told of by `read_stored`.
    if (x.sealed && (machine_key.size() != 32 || machine_iv.size() != 16))
      continue;
    // What is read later expects the form of the config map.
    config_map[x.key] = x.sealed ? crypto::to_base64(crypto::encrypt_setting(
                          machine_key, machine_iv, i->second))
                                 : i->second;
  }
}

} // namespace cuttle::settings
