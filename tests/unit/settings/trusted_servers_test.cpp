#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "infra/settings/trusted_servers.hpp"

namespace cuttle::settings {

namespace {

constexpr auto thumbprint = "830E6D14FEE75CBB413A552399BDC4D2DFA82352";

nlohmann::json entry() {
  return {{"Thumbprint", thumbprint},
          {"CommunicationStyle", 2},
          {"Address", "https://octopus.example:10943/"},
          {"Squid", nullptr},
          {"SubscriptionId", "poll://abcdefghijkmnpqrstuv/"}};
}

// What a list of that entry gives.
std::vector<trusted_server> parsed(const nlohmann::json& only) {
  std::vector<problem> notes;
  auto list = nlohmann::json::array({only});
  auto result = parse_trusted_servers(list.dump(), notes);
  EXPECT_TRUE(notes.empty()) << (notes.empty() ? "" : notes[0].text);
  return result;
}

// The warning about a list of one entry that is left out.
std::string warning(const nlohmann::json& broken) {
  std::vector<problem> notes;
  nlohmann::json list = nlohmann::json::array({broken, entry()});
  EXPECT_EQ(parse_trusted_servers(list.dump(), notes).size(), 1u);
  EXPECT_EQ(notes.size(), 1u);
  if (notes.empty())
    return {};
  EXPECT_EQ(notes[0].variable, "Tentacle.Communication.TrustedOctopusServers");
  EXPECT_TRUE(notes[0].text.starts_with("entry 1 ")) << notes[0].text;
  return notes[0].text;
}

nlohmann::json with(const char* name, nlohmann::json value) {
  auto result = entry();
  result[name] = std::move(value);
  return result;
}

} // namespace

TEST(TrustedServers, AreRead) {
  auto servers = parsed(entry());
  ASSERT_EQ(servers.size(), 1u);
  EXPECT_EQ(servers[0].thumbprint, thumbprint);
  EXPECT_EQ(servers[0].host, "octopus.example");
  EXPECT_EQ(servers[0].port, 10943);
  EXPECT_EQ(servers[0].subscription, "poll://abcdefghijkmnpqrstuv/");
}

TEST(TrustedServers, HaveAnAddressWhosePathDoesNotMatter_HAL01) {
  for (auto* address :
       {"https://octopus.example:10943", "https://octopus.example:10943/",
        "https://octopus.example:10943/some/where?x=1#y"}) {
    auto servers = parsed(with("Address", address));
    ASSERT_EQ(servers.size(), 1u) << address;
    EXPECT_EQ(servers[0].host, "octopus.example") << address;
    EXPECT_EQ(servers[0].port, 10943) << address;
  }
}

TEST(TrustedServers, HaveAStyleAsNumberOrName) {
  for (auto& style : std::vector<nlohmann::json>{
         2, "2", "TentacleActive", "tentacleactive", 11, "KubernetesTentacle"})
    EXPECT_EQ(parsed(with("CommunicationStyle", style)).size(), 1u) << style;
}

TEST(TrustedServers, AreLeftOutWithAReasonIfTheyCanNotBePolled) {
  auto has = [](const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
  };
  EXPECT_TRUE(has(warning(with("CommunicationStyle", "None")), "None"));
  EXPECT_TRUE(has(warning(with("CommunicationStyle", 3)), "no known"));
  EXPECT_TRUE(has(warning(with("CommunicationStyle", 2.5)), "no known"));
  EXPECT_TRUE(has(warning(with("CommunicationStyle", nullptr)), "no known"));
  EXPECT_TRUE(has(warning(with("Thumbprint", "abc")), "Thumbprint"));
  EXPECT_TRUE(has(warning(with("Thumbprint", nullptr)), "Thumbprint"));
  EXPECT_TRUE(has(warning(with("Address", "octopus.example")), "Address"));
  EXPECT_TRUE(has(warning(with("Address", 7)), "Address"));
  EXPECT_TRUE(has(warning(with("SubscriptionId", nullptr)), "SubscriptionId"));
  EXPECT_TRUE(
    has(warning(with("SubscriptionId", "https://x")), "SubscriptionId"));
  EXPECT_TRUE(has(warning(7), "no JSON object"));
}

TEST(TrustedServers, ThatDialInAreNotPolled) {
  EXPECT_TRUE(parsed(with("CommunicationStyle", 1)).empty());
  EXPECT_TRUE(parsed(with("CommunicationStyle", "TentaclePassive")).empty());
}

TEST(TrustedServers, MayDialInWhateverTheirStyle) {
  auto dialler = with("CommunicationStyle", 1);
  dialler["Thumbprint"] = std::string(40, 'b');
  auto list = nlohmann::json::array(
    {entry(), dialler, dialler, with("Thumbprint", "abc"), 7});
  EXPECT_EQ(parse_listening_trust(list.dump()),
            (std::vector<std::string>{thumbprint, std::string(40, 'B')}));
  EXPECT_TRUE(parse_listening_trust("{").empty());
}

TEST(TrustedServers, HaveThumbprintsThatCompare) {
  auto servers = parsed(
    {with("Thumbprint", " 830e6d14fee75cbb413a552399bdc4d2dfa82352\n")});
  EXPECT_EQ(servers[0].thumbprint, thumbprint);
}

// The way to change a server's certificate: first its new thumbprint comes in
// an entry of its own, and later the old one's goes.
TEST(TrustedServers, WithTheSameAddressAreOneWithSeveralThumbprints) {
  const trusted_server first{std::string(40, 'A'), "Octopus.example", 10943,
                             "poll://x/"};
  auto renewed = first;
  renewed.thumbprint = std::string(40, 'B');
  renewed.host = "octopus.example";
  auto other_port = first;
  other_port.port = 10944;
  auto other_queue = first;
  other_queue.subscription = "poll://y/";
  auto found = polled_servers({first, other_port, renewed, first, other_queue});
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].thumbprints,
            (std::vector{first.thumbprint, renewed.thumbprint}));
  EXPECT_EQ(found[0].host, "Octopus.example");
  EXPECT_EQ(found[1].port, 10944);
  EXPECT_EQ(found[1].thumbprints, std::vector{first.thumbprint});
  EXPECT_EQ(found[2].subscription, "poll://y/");
}

TEST(TrustedServers, MatchMemberNamesInAnyCase) {
  auto server = entry();
  server["thumbprint"] = server["Thumbprint"];
  server.erase("Thumbprint");
  EXPECT_EQ(parsed(server).size(), 1u);
}

TEST(TrustedServers, AreNoneInTextThatIsNoArray_CFG08) {
  for (auto text : {"", "{}", "[", "x", "7", "\"[]\""}) {
    std::vector<problem> notes;
    EXPECT_TRUE(parse_trusted_servers(text, notes).empty());
    EXPECT_EQ(notes.size(), 1u) << text;
  }
  std::vector<problem> notes;
  EXPECT_TRUE(parse_trusted_servers("null", notes).empty());
  EXPECT_TRUE(parse_trusted_servers("[]", notes).empty());
  EXPECT_TRUE(notes.empty());
}

TEST(TrustedServers, AreBounded) {
  nlohmann::json list = nlohmann::json::array();
  for (int i = 0; i < 1000; ++i)
    list.push_back(entry());
  std::vector<problem> notes;
  EXPECT_EQ(parse_trusted_servers(list.dump(), notes).size(), 64u);
  EXPECT_EQ(notes.size(), 1u);
}

TEST(TrustedServers, SurviveDeepNesting) {
  std::vector<problem> notes;
  EXPECT_TRUE(parse_trusted_servers(std::string(200'000, '['), notes).empty());
  EXPECT_TRUE(parse_trusted_servers(
                std::string(200'000, '[') + std::string(200'000, ']'), notes)
                .empty());
}

TEST(TrustedServers, AreWrittenAsTheStockWorkerDoes) {
  trusted_server server{thumbprint, "octopus.example", 10943, "poll://abc/"};
  EXPECT_EQ(trusted_servers_json({server}),
            std::string{R"([{"Thumbprint":")"} + thumbprint
              + R"(","CommunicationStyle":2,)"
                R"("Address":"https://octopus.example:10943/",)"
                R"("Squid":null,"SubscriptionId":"poll://abc/"}])");
  EXPECT_EQ(trusted_servers_json({}), "[]");
}

TEST(TrustedServers, SurviveTheirOwnText) {
  std::vector<trusted_server> servers{
    {thumbprint, "octopus.example", 10943, "poll://abc/"},
    {thumbprint, "::1", 443, "poll://def/"}};
  std::vector<problem> notes;
  auto again = parse_trusted_servers(trusted_servers_json(servers), notes);
  ASSERT_EQ(again.size(), 2u);
  EXPECT_TRUE(notes.empty());
  EXPECT_EQ(again[0].host, servers[0].host);
  EXPECT_EQ(again[1].host, "::1");
  EXPECT_EQ(again[1].port, 443);
}

TEST(Address, HasTheSchemesPortIfItNamesNone_REG08) {
  auto port = [](std::string_view text) { return parse_address(text)->port; };
  EXPECT_EQ(port("https://h"), 443);
  EXPECT_EQ(port("https://h/"), 443);
  EXPECT_EQ(port("http://h"), 80);
  EXPECT_EQ(port("HTTPS://h:10943/path?x"), 10943);
  EXPECT_EQ(parse_address("https://[fe80::1]:10943/")->host, "fe80::1");
  EXPECT_EQ(parse_address("https://[fe80::1]:10943/")->port, 10943);
}

TEST(Address, IsNothingForOtherText) {
  for (auto text :
       {"", "h", "h:10943", "poll://h", "https://", "https://:1", "https://h:0",
        "https://h:65536", "https://h:x", "https://[::1", "https://[::1]x",
        "https://u@h", "https://a b/", "https://h:"})
    EXPECT_FALSE(parse_address(text)) << text;
}

} // namespace cuttle::settings
