#include <limits>
#include <nlohmann/json.hpp>

#include "infra/settings/environment_reader.hpp"
#include "infra/settings/keys.hpp"
#include "infra/settings/settings.hpp"
#include "infra/settings/trusted_servers.hpp"

namespace cuttle::settings {

namespace {

constexpr std::size_t machine_key_bytes = 32;
constexpr std::size_t machine_iv_bytes = 16;

// The text of an entry. Texts are stored raw; one in the quotes of JSON is
// understood as well [CFG-08].
std::string text_of(const string_map& map, const char* key) {
  auto found = map.find(key);
  if (found == map.end())
    return {};
  auto text = std::string{trimmed(found->second)};
  if (text.size() >= 2 && text.front() == '"') {
    auto json = nlohmann::json::parse(text, nullptr, false);
    if (json.is_string())
      return json.get<std::string>();
  }
  return text == "null" ? std::string{} : text;
}

// Reads the stored entries one after the other.
class stored_reader {
public:
  stored_reader(const string_map& config_map, const string_map& secret)
    : map_(config_map), secret_(secret) {}

  void read_all() {
    out.registered
      = parse_boolean(text_of(map_, key_registered)).value_or(false);
    if (auto text = text_of(map_, key_servers); !text.empty()) {
      out.servers = parse_trusted_servers(text, out.warnings);
      out.listening_trust = parse_listening_trust(text);
    }
    read_connections();
    read_machine_key();
    read_certificate();
    read_proxy();
  }

  stored_settings out;
  std::vector<problem> errors;

private:
  void warn(const char* key, std::string text) {
    out.warnings.push_back({key, std::move(text)});
  }

  void read_connections() {
    auto text = text_of(map_, key_connections);
    if (text.empty())
      return;
    auto number = parse_number(text);
    if (number && *number <= std::numeric_limits<unsigned>::max())
      out.polling_connections = static_cast<unsigned>(*number);
    else
      warn(key_connections, in_quotes(text) + " is not a number; using 1");
  }

  // Both or none: half a pair is made anew by the caller [CFG-11].
  void read_machine_key() {
    auto key = secret_.find(key_machine_key);
    auto iv = secret_.find(key_machine_iv);
    auto size_of
      = [this](auto at) { return at == secret_.end() ? 0 : at->second.size(); };
    auto check = [&](auto at, const char* name, std::size_t size) {
      if (size_of(at) == 0 || size_of(at) == size)
        return true;
      errors.push_back(
        {name, "the secret's entry has " + std::to_string(size_of(at))
                 + " bytes instead of " + std::to_string(size)
                 + ". Restore the secret from a backup, or delete this entry "
                   "and the certificate in the config map, and register the "
                   "worker again"});
      return false;
    };
    auto good = check(key, key_machine_key, machine_key_bytes);
    good = check(iv, key_machine_iv, machine_iv_bytes) && good;
    if (!good || size_of(key) == 0 || size_of(iv) == 0)
      return;
    out.machine_key.assign(key->second.begin(), key->second.end());
    out.machine_iv.assign(iv->second.begin(), iv->second.end());
  }

  outcome<crypto::secret_bytes> decrypt(const std::string& text) {
    if (out.machine_key.empty())
      return fail(errc::not_found, "there is no machine key in the secret");
    auto sealed = crypto::from_base64(text);
    if (!sealed)
      return fail(errc::invalid_request, "the value is not Base64");
    return crypto::decrypt_setting(out.machine_key, out.machine_iv, *sealed);
  }

  void read_certificate() {
    auto stored = text_of(map_, key_certificate);
    if (stored.empty() || !errors.empty())
      return;
    auto made = decrypt(stored).and_then(
      [](crypto::secret_bytes&& text) -> outcome<crypto::identity> {
        auto pfx = crypto::secret_from_base64(crypto::as_text(text));
        if (!pfx)
          return fail(errc::invalid_request,
                      "the decrypted certificate is not Base64");
        return crypto::identity::from_pfx(*pfx);
      });
    if (!made) {
      errors.push_back(
        {key_certificate,
         "the certificate can not be used: " + made.error().text
           + ". Restore the secret that belongs to this config map; or delete "
             "this entry, so that a new certificate is made, and register the "
             "worker again, because the server knows it by the old one"});
      return;
    }
    out.identity = *made;
    auto thumbprint = text_of(map_, key_thumbprint);
    if (!thumbprint.empty()
        && crypto::normalise_thumbprint(thumbprint)
             != out.identity.thumbprint())
      warn(key_thumbprint, in_quotes(thumbprint)
                             + " is not the thumbprint of the certificate, "
                               "which is "
                             + out.identity.thumbprint()
                             + "; using the certificate");
  }

  void read_proxy() {
    out.proxy.host = proxy_host(text_of(map_, key_proxy_host));
    if (out.proxy.host.empty())
      return;
    if (auto text = text_of(map_, key_proxy_port); !text.empty()) {
      auto port = parse_number(text);
      if (port && *port >= 1 && *port <= 65'535)
        out.proxy.port = static_cast<std::uint16_t>(*port);
      else
        warn(key_proxy_port,
             in_quotes(text) + " is not a number from 1 to 65535; using 80");
    }
    out.proxy.username = text_of(map_, key_proxy_username);
    auto stored = text_of(map_, key_proxy_password);
    if (stored.empty() || !errors.empty())
      return;
    if (auto password = decrypt(stored))
      out.proxy.password = crypto::as_text(*password);
    else
      warn(key_proxy_password,
           "the proxy's password can not be used: " + password.error().text
             + ". Set it again in the chart's values");
  }

  const string_map& map_;
  const string_map& secret_;
};

} // namespace

void wipe(string_map& data) {
  for (auto& [key, value] : data)
    crypto::wipe(value);
}

tl::expected<stored_settings, std::vector<problem>>
read_stored(const string_map& config_map, const string_map& secret) {
  stored_reader reader{config_map, secret};
  reader.read_all();
  if (!reader.errors.empty())
    return tl::unexpected(std::move(reader.errors));
  return std::move(reader.out);
}

} // namespace cuttle::settings
