#include <gtest/gtest.h>

#include "infra/settings/keys.hpp"
#include "support.hpp"

namespace cuttle::settings {

namespace {

environment env_of(string_map values) {
  return [values = std::move(values)](
           const std::string& name) -> std::optional<std::string> {
    auto i = values.find(name);
    return i == values.end() ? std::nullopt : std::optional{i->second};
  };
}

constexpr auto servers
  = R"([{"Thumbprint":"0123456789012345678901234567890123456789",)"
    R"("CommunicationStyle":2,)"
    R"("Address":"https://env:10943/","SubscriptionId":"poll://x/"}])";

} // namespace

TEST(Contributions, WinOverTheConfigMapAndLeaveTheRest_CFG04) {
  auto keys = new_machine_keys();
  auto identity = crypto::identity::generate();
  ASSERT_TRUE(identity);
  auto pfx = identity->to_pfx();
  ASSERT_TRUE(pfx);
  auto given = read_contributions(
    env_of({{"TENTACLE_TRUSTED_SERVERS", servers},
            {"TENTACLE_CERTIFICATE", crypto::to_base64(*pfx)},
            {"TENTACLE_POLLING_CUSTOM_PROXY_HOST", "proxy.env"},
            {"TENTACLE_POLLING_CUSTOM_PROXY_PASSWORD", "secret"},
            {"TENTACLE_POLLING_CUSTOM_PROXY_USER", " "},
            {"TENTACLE_UNKNOWN", "x"}}));
  string_map map{{key_servers, "[]"},
                 {key_proxy_host, "proxy.map"},
                 {key_proxy_username, "user of the map"},
                 {key_connections, "7"}};
  auto bytes = [](const std::string& text) {
    return crypto::byte_span{reinterpret_cast<const std::uint8_t*>(text.data()),
                             text.size()};
  };
  contribute(map, given, bytes(keys[key_machine_key]),
             bytes(keys[key_machine_iv]));
  auto stored = read_stored(map, keys);
  ASSERT_TRUE(stored);
  ASSERT_EQ(stored->servers.size(), 1u);
  EXPECT_EQ(stored->servers[0].host, "env");
  EXPECT_EQ(stored->identity.thumbprint(), identity->thumbprint());
  EXPECT_EQ(stored->proxy.host, "proxy.env");
  EXPECT_EQ(stored->proxy.password, "secret");
  EXPECT_EQ(stored->proxy.username, "user of the map")
    << "blank falls through to the next source";
  EXPECT_EQ(stored->polling_connections, 7u);
}

TEST(Contributions, AreReadOnlyWhereTheSwitchIsOn_CFG04) {
  string_map values = {{"TENTACLE_TRUSTED_SERVERS", servers}};
  EXPECT_TRUE(read_environment(env_of(values)).values.contributions.empty());
  values["OCTOPUS_CONTRIBUTE_ENV_SETTINGS"] = "TRUE";
  auto on = read_environment(env_of(values)).values.contributions;
  EXPECT_EQ(on.size(), 1u);
  EXPECT_EQ(on[key_servers], servers);
}

TEST(Contributions, OfAFileComeAfterThoseOfTheEnvironment_CFG04) {
  auto env = with_env_file(env_of({{"TENTACLE_CERTIFICATE", "process"}}),
                           "# a comment\r\n"
                           "TENTACLE_CERTIFICATE=file\r\n"
                           "  TENTACLE_POLLING_CUSTOM_PROXY_HOST = \"h\" \n"
                           "no assignment\n"
                           "OCTOPUS__K8STENTACLE__NAMESPACE=not from here\n"
                           "PATH=nor this\n"
                           "TENTACLE_POLLING_CUSTOM_PROXY_PORT=80");
  EXPECT_EQ(env("TENTACLE_CERTIFICATE"), "process");
  EXPECT_EQ(env("TENTACLE_POLLING_CUSTOM_PROXY_HOST"), "h");
  EXPECT_EQ(env("TENTACLE_POLLING_CUSTOM_PROXY_PORT"), "80");
  EXPECT_FALSE(env("OCTOPUS__K8STENTACLE__NAMESPACE"));
  EXPECT_FALSE(env("PATH"));
  EXPECT_FALSE(env("TENTACLE_TRUSTED_SERVERS"));
}

} // namespace cuttle::settings
