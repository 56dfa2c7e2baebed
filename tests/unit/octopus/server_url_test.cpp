#include "infra/octopus/server_url.hpp"

namespace cuttle::octopus {

namespace {

std::string base_of(const char* text) {
  auto url = parse_server_url(text);
  return url ? url->base : std::string{name_of(url.error().what)};
}

} // namespace

TEST(ServerUrl, KeepsAPathPrefixAndDropsSlashesAndApi) {
  EXPECT_EQ(base_of("https://o.example.com"), "https://o.example.com");
  EXPECT_EQ(base_of(" https://o.example.com/ "), "https://o.example.com");
  EXPECT_EQ(base_of("HTTPS://o.example.com/api"), "https://o.example.com");
  EXPECT_EQ(base_of("https://o.example.com/API/"), "https://o.example.com");
  EXPECT_EQ(base_of("https://o/octopus/api"), "https://o/octopus");
  EXPECT_EQ(base_of("https://o:8443/octopus/"), "https://o:8443/octopus");
  EXPECT_EQ(base_of("http://[::1]:80"), "http://[::1]:80");
}

TEST(ServerUrl, RefusesWhatIsNoAddressOfAServer) {
  EXPECT_EQ(base_of(""), "server-url-missing");
  EXPECT_EQ(base_of("  "), "server-url-missing");
  for (auto text : {"o.example.com", "ftp://o", "https://", "https://o:0",
                    "https://o:x", "https://o/?a=b", "https://o/#/Spaces-1",
                    "https://o/a b", "https://o\n.example.com", "https://<o>"})
    EXPECT_EQ(base_of(text), "server-url-wrong") << text;
}

TEST(ServerUrl, WithAPasswordIsRefusedWithoutShowingIt) {
  auto url = parse_server_url("https://me:hunter2@o.example.com/");
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().what, mistake::server_url_wrong);
  EXPECT_EQ(url.error().text.find("hunter2"), std::string::npos);
}

TEST(Links, AreFilledWithTheParametersThatTheyName) {
  auto link = "/api/Spaces-1/workers{/id}{?skip,take,name}";
  EXPECT_EQ(expand(link, {}), "/api/Spaces-1/workers");
  EXPECT_EQ(expand(link, {{"id", "Workers-1"}}),
            "/api/Spaces-1/workers/Workers-1");
  EXPECT_EQ(expand(link, {{"name", "a b&c"}, {"take", "9"}, {"other", "x"}}),
            "/api/Spaces-1/workers?take=9&name=a%20b%26c");
  EXPECT_EQ(expand("/a?x=1{&y}", {{"y", "2"}}), "/a?x=1&y=2");
  EXPECT_EQ(expand("/a{id}", {{"id", "/.."}}), "/a%2F..");
  EXPECT_EQ(expand("/a{unclosed", {}), "/a");
}

TEST(Links, NeverLeadToAnotherHost) {
  auto server = *parse_server_url("https://o.example.com/octopus");
  EXPECT_EQ(*resolve(server, "/octopus/api"),
            "https://o.example.com/octopus/api");
  EXPECT_EQ(*resolve(server, "/api"), "https://o.example.com/octopus/api");
  for (auto link : {"", "//evil.example.com/api", "https://evil.example.com",
                    "@evil.example.com", "api", "/a\r\nHost: evil", "/a\\b"})
    EXPECT_FALSE(resolve(server, link)) << link;
}

} // namespace cuttle::octopus
