#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "infra/crypto/cipher.hpp"
#include "infra/settings/settings.hpp"

namespace cuttle::settings {

namespace {

const crypto::identity& made() {
  static const auto id = crypto::identity::generate().value();
  return id;
}

const string_map& secret() {
  static const auto keys = new_machine_keys();
  return keys;
}

crypto::byte_span key() {
  return crypto::as_bytes(secret().at("machine-key"));
}

crypto::byte_span iv() {
  return crypto::as_bytes(secret().at("machine-iv"));
}

std::string encrypted(std::string_view text) {
  return crypto::to_base64(crypto::encrypt_setting(key(), iv(), text));
}

string_map with_identity() {
  return identity_entries(made(), key(), iv());
}

std::string only_error(const string_map& config_map, const string_map& keys,
                       const std::string& variable) {
  auto stored = read_stored(config_map, keys);
  EXPECT_FALSE(stored);
  if (stored || stored.error().size() != 1)
    return {};
  EXPECT_EQ(stored.error()[0].variable, variable);
  return stored.error()[0].text;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST(Stored, IsEmptyOnTheFirstStart_CFG05) {
  auto stored = read_stored({}, {}).value();
  EXPECT_FALSE(stored.registered);
  EXPECT_TRUE(stored.servers.empty());
  EXPECT_TRUE(stored.machine_key.empty());
  EXPECT_FALSE(stored.identity.valid());
  EXPECT_FALSE(stored.polling_connections);
  EXPECT_EQ(stored.proxy.host, "");
  EXPECT_TRUE(stored.warnings.empty());
}

TEST(Stored, HasMachineKeysOfTheRightSizes_CFG11) {
  EXPECT_EQ(secret().at("machine-key").size(), 32u);
  EXPECT_EQ(secret().at("machine-iv").size(), 16u);
  EXPECT_NE(new_machine_keys(), secret());
  auto stored = read_stored({}, secret()).value();
  EXPECT_EQ(stored.machine_key.size(), 32u);
  EXPECT_EQ(stored.machine_iv.size(), 16u);
}

TEST(Stored, LacksBothKeysWhenOneIsMissing_CFG11) {
  for (auto name : {"machine-key", "machine-iv"}) {
    auto half = secret();
    half.erase(name);
    auto stored = read_stored({}, half).value();
    EXPECT_TRUE(stored.machine_key.empty());
    EXPECT_TRUE(stored.machine_iv.empty());
  }
}

TEST(Stored, RefusesKeysOfWrongSize_CFG12) {
  for (auto name : {"machine-key", "machine-iv"}) {
    auto wrong = secret();
    wrong[name] += "x";
    auto text = only_error({}, wrong, name);
    EXPECT_TRUE(contains(text, "bytes instead of")) << text;
    EXPECT_TRUE(contains(text, "Restore the secret")) << text;
  }
}

TEST(Stored, ReusesTheIdentity_CFG16) {
  auto entries = with_identity();
  EXPECT_EQ(entries.at("Tentacle.CertificateThumbprint"), made().thumbprint());
  auto stored = read_stored(entries, secret()).value();
  EXPECT_EQ(stored.identity.thumbprint(), made().thumbprint());
  EXPECT_NE(stored.identity.private_key(), nullptr);
  EXPECT_TRUE(stored.warnings.empty());
}

TEST(Stored, ReadsTheCertificateInJsonQuotesAndWithLineBreaks_CFG08) {
  auto entries = with_identity();
  auto text = entries["Tentacle.Certificate"];
  entries["Tentacle.Certificate"] = nlohmann::json(text).dump();
  EXPECT_TRUE(read_stored(entries, secret()).value().identity.valid());
  entries["Tentacle.Certificate"]
    = text.substr(0, 64) + '\n' + text.substr(64) + '\n';
  EXPECT_TRUE(read_stored(entries, secret()).value().identity.valid());
}

TEST(Stored, RefusesACertificateOfAnotherSecret_CFG13) {
  auto text
    = only_error(with_identity(), new_machine_keys(), "Tentacle.Certificate");
  EXPECT_TRUE(contains(text, "Restore the secret")) << text;
  EXPECT_TRUE(contains(text, "register the worker again")) << text;
}

TEST(Stored, RefusesACertificateWithoutSecret_CFG13) {
  auto text = only_error(with_identity(), {}, "Tentacle.Certificate");
  EXPECT_TRUE(contains(text, "no machine key")) << text;
}

TEST(Stored, RefusesACertificateThatIsNone_CFG13) {
  for (auto& value : {std::string{"%%%"}, encrypted("no base64 %%"),
                      encrypted("aGVsbG8="), std::string{"aGVsbG8="}}) {
    auto text = only_error({{"Tentacle.Certificate", value}}, secret(),
                           "Tentacle.Certificate");
    EXPECT_TRUE(contains(text, "can not be used")) << text;
    EXPECT_FALSE(contains(text, "aGVsbG8=")) << "content in an error";
  }
}

TEST(Stored, WarnsAboutAForeignThumbprint) {
  auto entries = with_identity();
  entries["Tentacle.CertificateThumbprint"] = std::string(40, 'A');
  auto stored = read_stored(entries, secret()).value();
  EXPECT_EQ(stored.identity.thumbprint(), made().thumbprint());
  ASSERT_EQ(stored.warnings.size(), 1u);
  EXPECT_EQ(stored.warnings[0].variable, "Tentacle.CertificateThumbprint");
}

TEST(Stored, KnowsWhetherTheWorkerIsRegistered) {
  auto registered = [](const char* text) {
    return read_stored({{"Tentacle.Services.IsRegistered", text}}, {})
      .value()
      .registered;
  };
  EXPECT_TRUE(registered("true"));
  EXPECT_TRUE(registered("True"));
  EXPECT_TRUE(registered("\"true\""));
  EXPECT_FALSE(registered("false"));
  EXPECT_FALSE(registered("1"));
  EXPECT_FALSE(registered(""));
}

TEST(Stored, ReadsTheNumberOfConnections_RUN04_HAL42) {
  auto key_name = "Tentacle.Communication.PollingConnectionCount";
  EXPECT_EQ(read_stored({{key_name, "7"}}, {}).value().polling_connections, 7u);
  EXPECT_EQ(read_stored({{key_name, "\"7\""}}, {}).value().polling_connections,
            7u);
  for (auto text : {"x", "-1", "99999999999", "[]"}) {
    auto stored = read_stored({{key_name, text}}, {}).value();
    EXPECT_FALSE(stored.polling_connections) << text;
    ASSERT_EQ(stored.warnings.size(), 1u);
  }
  auto null = read_stored({{key_name, "null"}}, {}).value();
  EXPECT_TRUE(null.warnings.empty());
}

TEST(Stored, ReadsTheProxy_CFG13) {
  auto stored = read_stored({{"Octopus.Server.Proxy.UseDefaultProxy", "false"},
                             {"Octopus.Server.Proxy.ProxyHost", "proxy.local"},
                             {"Octopus.Server.Proxy.ProxyPort", "3128"},
                             {"Octopus.Server.Proxy.ProxyUsername", "user"},
                             {"Octopus.Server.Proxy.ProxyPassword",
                              encrypted("p\xC3\xA4ss")}},
                            secret())
                  .value();
  EXPECT_EQ(stored.proxy.host, "proxy.local");
  EXPECT_EQ(stored.proxy.port, 3128);
  EXPECT_EQ(stored.proxy.username, "user");
  EXPECT_EQ(stored.proxy.password, "p\xC3\xA4ss");
  EXPECT_TRUE(stored.warnings.empty());
}

TEST(Stored, HasNoProxyWithoutHost) {
  auto stored = read_stored({{"Octopus.Server.Proxy.UseDefaultProxy", "true"},
                             {"Octopus.Server.Proxy.ProxyPort", "nonsense"}},
                            {})
                  .value();
  EXPECT_EQ(stored.proxy.host, "");
  EXPECT_EQ(stored.proxy.port, 80);
  EXPECT_TRUE(stored.warnings.empty());
}

TEST(Stored, WarnsAboutAProxyThatIsHalfUsable_CFG08) {
  auto stored
    = read_stored({{"Octopus.Server.Proxy.ProxyHost", "proxy.local"},
                   {"Octopus.Server.Proxy.ProxyPort", "0"},
                   {"Octopus.Server.Proxy.ProxyPassword", "plain text"}},
                  secret())
        .value();
  EXPECT_EQ(stored.proxy.port, 80);
  EXPECT_EQ(stored.proxy.password, "");
  ASSERT_EQ(stored.warnings.size(), 2u);
  EXPECT_FALSE(contains(stored.warnings[1].text, "plain text"));
}

TEST(Stored, KeepsWarningsAboutServers_CFG08) {
  auto stored
    = read_stored({{"Tentacle.Communication.TrustedOctopusServers", "oops"}},
                  {})
        .value();
  ASSERT_EQ(stored.warnings.size(), 1u);
  EXPECT_TRUE(stored.servers.empty());
}

} // namespace cuttle::settings
