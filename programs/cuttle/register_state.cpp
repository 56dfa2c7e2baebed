#include "programs/cuttle/register_state.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "infra/octopus/match.hpp"
#include "infra/settings/environment_reader.hpp"
#include "infra/settings/keys.hpp"
#include "infra/settings/trusted_servers.hpp"

namespace cuttle {

namespace {

using nlohmann::json;

std::string text_of(const settings::string_map& map, const char* key) {
  auto found = map.find(key);
  return found == map.end() ? std::string{}
                            : std::string{settings::trimmed(found->second)};
}

std::optional<registration_record> read_record(const std::string& text) {
  auto x = json::parse(text, nullptr, false);
  if (!x.is_object())
    return std::nullopt;
  auto word = [&](const char* name) {
    return x.contains(name) && x[name].is_string() ? x[name].get<std::string>()
                                                   : std::string{};
  };
  registration_record result;
  result.server = word("Server");
  result.space = word("Space");
  result.space_id = word("SpaceId");
  result.worker_id = word("WorkerId");
  result.name = word("Name");
  result.policy = word("Policy");
  if (x.contains("Pools") && x["Pools"].is_array())
    for (auto& pool : x["Pools"])
      if (pool.is_string())
        result.pools.push_back(pool.get<std::string>());
  if (result.server.empty() || result.worker_id.empty())
    return std::nullopt;
  return result;
}

// Values that a person may write in another case or order without a meaning.
bool same_names(std::vector<std::string> x, std::vector<std::string> y) {
  auto tidy = [](std::vector<std::string>& names) {
    for (auto& name : names) {
      name = std::string{settings::trimmed(name)};
      for (auto& c : name)
        if (c >= 'A' && c <= 'Z')
          c = static_cast<char>(c - 'A' + 'a');
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
  };
  tidy(x);
  tidy(y);
  return x == y;
}

bool same_servers(const register_settings& wish, const register_state& now) {
  auto known = [&](auto& host, auto port) {
    return std::any_of(now.servers.begin(), now.servers.end(), [&](auto& y) {
      return octopus::same_name(y.host, host) && y.port == port;
    });
  };
  return settings::polled_servers(now.servers).size() == wish.comms.size()
         && std::all_of(wish.comms.begin(), wish.comms.end(),
                        [&](auto& x) { return known(x.host, x.port); });
}

} // namespace

register_state read_register_state(const settings::string_map& map) {
  register_state result;
  result.registered
    = settings::parse_boolean(text_of(map, settings::key_registered))
        .value_or(false);
  result.record = read_record(text_of(map, key_registration));
  std::vector<settings::problem> ignored;
  result.servers_text = text_of(map, settings::key_servers);
  if (!result.servers_text.empty())
    result.servers
      = settings::parse_trusted_servers(result.servers_text, ignored);
  result.subscription = text_of(map, key_subscription);
  if (!result.servers.empty())
    result.subscription = result.servers.front().subscription;
  result.thumbprint
    = crypto::normalise_thumbprint(text_of(map, settings::key_thumbprint));
  result.has_certificate = !text_of(map, settings::key_certificate).empty();
  result.has_connections
    = settings::parse_number(text_of(map, settings::key_connections))
        .has_value();
  auto& proxy = result.proxy;
  proxy.host = settings::proxy_host(text_of(map, settings::key_proxy_host));
  if (auto port
      = settings::parse_number(text_of(map, settings::key_proxy_port));
      port && *port >= 1 && *port <= 65'535)
    proxy.port = static_cast<std::uint16_t>(*port);
  proxy.username = text_of(map, settings::key_proxy_username);
  result.has_proxy_password
    = !text_of(map, settings::key_proxy_password).empty();
  return result;
}

std::string record_json(const registration_record& x) {
  nlohmann::ordered_json result{
    {"Server", x.server},      {"Space", x.space}, {"SpaceId", x.space_id},
    {"WorkerId", x.worker_id}, {"Name", x.name},   {"Pools", x.pools},
    {"Policy", x.policy}};
  return result.dump(-1, ' ', false, json::error_handler_t::replace);
}

register_work find_work(const register_settings& wish,
                        const register_state& now) {
  register_work work;
  auto because = [&](const char* what) {
    work.reasons += (work.reasons.empty() ? "" : ", ") + std::string{what};
  };
  if (!now.registered || now.servers.empty()) {
    work.server = true;
    work.addresses = true;
    work.changed = {true, true, true};
    because("not registered yet");
  } else if (!now.record) {
    work.server = true;
    because("registered by another worker program");
  } else {
    auto& old = *now.record;
    auto differ = [&](bool same, const char* what) {
      if (same)
        return false;
      work.server = true;
      because(what);
      return true;
    };
    differ(octopus::same_name(old.server, wish.server.base), "server URL");
    differ(octopus::same_name(old.space, wish.space), "space");
    work.changed.name
      = differ(wish.name.empty() || old.name == wish.name, "name");
    work.changed.pools = differ(
      wish.pools.empty() || same_names(old.pools, wish.pools), "pools");
    work.changed.policy
      = differ(octopus::same_name(old.policy, wish.policy), "machine policy");
  }
  if (!work.addresses && !same_servers(wish, now)) {
    work.addresses = true;
    because("polling addresses");
  }
  auto& x = wish.proxy;
  auto& y = now.proxy;
  auto same = x.host == y.host
              && (x.host.empty()
                  || (x.port == y.port && x.username == y.username
                      && x.password.empty() == !now.has_proxy_password));
  if (!same) {
    work.proxy = true;
    because("polling proxy");
  }
  return work;
}

std::string servers_entry(const register_settings& wish,
                          const std::string& subscription,
                          const std::string& thumbprint,
                          const std::string& before) {
  std::vector<settings::trusted_server> servers;
  for (auto& x : wish.comms)
    servers.push_back({thumbprint, x.host, x.port, subscription});
  auto now = nlohmann::ordered_json::parse(
    settings::trusted_servers_json(servers), nullptr, false);
  auto old = nlohmann::ordered_json::parse(before, nullptr, false);
  if (old.is_array())
    for (auto& entry : old) {
      auto alone = nlohmann::ordered_json::array({entry}).dump(
        -1, ' ', false, json::error_handler_t::replace);
      std::vector<settings::problem> ignored;
      if (settings::parse_trusted_servers(alone, ignored).empty()
          && !settings::parse_listening_trust(alone).empty())
        now.push_back(entry);
    }
  return now.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::map<std::string, std::optional<std::string>>
proxy_entries(const settings::polling_proxy& proxy,
              const std::string& sealed_password) {
  auto some = [](const std::string& text) {
    return text.empty() ? std::nullopt : std::optional{text};
  };
  std::map<std::string, std::optional<std::string>> result;
  result["Octopus.Server.Proxy.UseDefaultProxy"] = "false";
  result[settings::key_proxy_host] = some(proxy.host);
  result[settings::key_proxy_port]
    = proxy.host.empty() ? std::nullopt
                         : std::optional{std::to_string(proxy.port)};
  result[settings::key_proxy_username]
    = proxy.host.empty() ? std::nullopt : some(proxy.username);
  result[settings::key_proxy_password]
    = proxy.host.empty() ? std::nullopt : some(sealed_password);
  return result;
}

std::string new_subscription() {
  static constexpr std::string_view letters = "bcdefghjklmnpqrstuvwxyz23456789";
  std::string result = "poll://";
  while (result.size() < 7 + 20) {
    std::array<std::uint8_t, 32> noise;
    crypto::random_bytes(noise);
    // Beyond the last whole multiple some letters would come more often.
    constexpr auto fair = 256 / letters.size() * letters.size();
    for (auto byte : noise)
      if (byte < fair && result.size() < 7 + 20)
        result += letters[byte % letters.size()];
  }
  return result + "/";
}

} // namespace cuttle
