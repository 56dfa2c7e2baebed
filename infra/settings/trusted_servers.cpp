#include "infra/settings/trusted_servers.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "infra/settings/environment_reader.hpp"
#include "infra/settings/keys.hpp"

namespace cuttle::settings {

namespace {

using json = nlohmann::json;

constexpr std::size_t max_servers = 64;
constexpr std::size_t thumbprint_digits = 40;

// Values of `CommunicationStyle`.
enum class style { none = 0, passive = 1, active = 2, kubernetes = 11 };

struct style_name {
  std::string_view name;
  style value;
};

constexpr style_name style_names[] = {
  {"none", style::none},
  {"tentaclepassive", style::passive},
  {"tentacleactive", style::active},
  {"kubernetestentacle", style::kubernetes},
};

std::string lower(std::string text) {
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return text;
}

// A member in any case, as the stock worker's reader finds it.
const json* member(const json& object, std::string_view name) {
  for (auto& [key, value] : object.items())
    if (lower(key) == name)
      return &value;
  return nullptr;
}

std::string text_of(const json& object, std::string_view name) {
  auto* value = member(object, name);
  return value != nullptr && value->is_string() ? value->get<std::string>()
                                                : std::string{};
}

std::optional<style> style_of(const json& object) {
  auto* value = member(object, "communicationstyle");
  if (value == nullptr)
    return std::nullopt;
  if (value->is_number_integer()) {
    for (auto& entry : style_names)
      if (*value == static_cast<int>(entry.value))
        return entry.value;
  } else if (value->is_string()) {
    auto name = lower(value->get<std::string>());
    for (auto& entry : style_names)
      if (name == entry.name
          || name == std::to_string(static_cast<int>(entry.value)))
        return entry.value;
  }
  return std::nullopt;
}

bool is_thumbprint(const std::string& text) {
  return text.size() == thumbprint_digits
         && std::all_of(text.begin(), text.end(), [](char c) {
              return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
            });
}

// Why an entry is not polled, or the server.
tl::expected<trusted_server, std::string> read_entry(const json& entry) {
  if (!entry.is_object())
    return tl::unexpected(std::string{"is no JSON object"});
  auto found_style = style_of(entry);
  if (!found_style)
    return tl::unexpected(std::string{"has no known CommunicationStyle"});
  if (*found_style == style::none)
    return tl::unexpected(
      std::string{"is not a server to poll (CommunicationStyle None)"});
  trusted_server result;
  result.thumbprint
    = crypto::normalise_thumbprint(text_of(entry, "thumbprint"));
  if (!is_thumbprint(result.thumbprint))
    return tl::unexpected(
      std::string{"has no Thumbprint of 40 hexadecimal digits"});
  auto address = text_of(entry, "address");
  auto parsed = parse_address(address);
  if (!parsed)
    return tl::unexpected("has the Address " + in_quotes(address)
                          + ", which is not like https://host:10943/");
  result.host = parsed->host;
  result.port = parsed->port;
  result.subscription = text_of(entry, "subscriptionid");
  if (!lower(result.subscription).starts_with("poll://"))
    return tl::unexpected(
      std::string{"has no SubscriptionId that begins with poll://"});
  return result;
}

} // namespace

std::optional<host_and_port> parse_address(std::string_view text) {
  text = trimmed(text);
  auto end = text.find("://");
  if (end == std::string_view::npos)
    return std::nullopt;
  auto scheme = lower(std::string{text.substr(0, end)});
  if (scheme != "https" && scheme != "http")
    return std::nullopt;
  text.remove_prefix(end + 3);
  text = text.substr(0, text.find_first_of("/?#"));
  host_and_port result;
  result.port = scheme == "https" ? 443 : 80;
  std::string_view port;
  if (text.starts_with('[')) {
    auto close = text.find(']');
    if (close == std::string_view::npos)
      return std::nullopt;
    result.host = text.substr(1, close - 1);
    port = text.substr(close + 1);
  } else {
    auto colon = text.find(':');
    result.host = text.substr(0, colon);
    port = colon == std::string_view::npos ? std::string_view{}
                                           : text.substr(colon);
  }
  if (!port.empty()) {
    auto number
      = port.front() == ':' ? parse_number(port.substr(1)) : std::nullopt;
    if (!number || *number == 0 || *number > 65'535)
      return std::nullopt;
    result.port = static_cast<std::uint16_t>(*number);
  }
  auto bad = [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '@' || c == '\x7F';
  };
  if (result.host.empty()
      || std::any_of(result.host.begin(), result.host.end(), bad))
    return std::nullopt;
  return result;
}

std::vector<trusted_server> parse_trusted_servers(const std::string& text,
                                                  std::vector<problem>& notes) {
  std::vector<trusted_server> result;
  auto note = [&notes](std::string line) {
    notes.push_back({key_servers, std::move(line)});
  };
  auto list = json::parse(text, nullptr, false);
  if (!list.is_array()) {
    if (!list.is_null())
      note("is no JSON array; the worker has no server to poll. Register it "
           "again");
    return result;
  }
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (result.size() == max_servers) {
      note("has more than " + std::to_string(max_servers)
           + " servers; the others are not polled");
      break;
    }
    if (list[i].is_object() && style_of(list[i]) == style::passive)
      // This one dials in: see parse_listening_trust.
      continue;
    if (auto server = read_entry(list[i]))
      result.push_back(std::move(*server));
    else
      note("entry " + std::to_string(i + 1) + " " + server.error()
           + "; it is left out");
  }
  return result;
}

std::vector<polled_server>
polled_servers(const std::vector<trusted_server>& entries) {
  std::vector<polled_server> result;
  for (auto& x : entries) {
    auto i = std::find_if(result.begin(), result.end(), [&](auto& y) {
      return lower(y.host) == lower(x.host) && y.port == x.port
             && lower(y.subscription) == lower(x.subscription);
    });
    if (i == result.end())
      result.push_back({x.host, x.port, x.subscription, {x.thumbprint}});
    else if (std::find(i->thumbprints.begin(), i->thumbprints.end(),
                       x.thumbprint)
             == i->thumbprints.end())
      i->thumbprints.push_back(x.thumbprint);
  }
  return result;
}

std::vector<std::string> parse_listening_trust(const std::string& text) {
  std::vector<std::string> result;
  auto list = json::parse(text, nullptr, false);
  if (!list.is_array())
    return result;
  for (const auto& entry : list) {
    if (!entry.is_object() || result.size() == max_servers)
      continue;
    auto thumbprint
      = crypto::normalise_thumbprint(text_of(entry, "thumbprint"));
    if (is_thumbprint(thumbprint)
        && std::find(result.begin(), result.end(), thumbprint) == result.end())
      result.push_back(std::move(thumbprint));
  }
  return result;
}

std::string trusted_servers_json(const std::vector<trusted_server>& servers) {
  using ordered = nlohmann::ordered_json;
  auto list = ordered::array();
  for (auto& server : servers) {
    auto host = server.host.find(':') == std::string::npos
                  ? server.host
                  : "[" + server.host + "]";
    ordered entry;
    entry["Thumbprint"] = server.thumbprint;
    entry["CommunicationStyle"] = static_cast<int>(style::active);
    entry["Address"]
      = "https://" + host + ":" + std::to_string(server.port) + "/";
    entry["Squid"] = nullptr;
    entry["SubscriptionId"] = server.subscription;
    list.push_back(std::move(entry));
  }
  return list.dump(-1, ' ', false, ordered::error_handler_t::replace);
}

} // namespace cuttle::settings
