#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "infra/kubernetes/digest.hpp"
#include "infra/kubernetes/manifest.hpp"

using namespace cuttle;
using namespace cuttle::kubernetes;
using nlohmann::json;

namespace {

start_script with_feed(std::optional<std::string> url,
                       std::optional<std::string> user,
                       std::optional<std::string> password = "secret") {
  start_script result;
  result.image
    = pod_image{"image", std::move(url), std::move(user), std::move(password)};
  return result;
}

std::string config_of(const std::string& manifest) {
  auto data = json::parse(manifest)["data"];
  EXPECT_EQ(data.size(), 1u);
  return base64_decoded(data[".dockerconfigjson"].get<std::string>())
    .value_or("not base64");
}

} // namespace

TEST(FeedSecretName, MatchesTheVectors_SEC02) {
  EXPECT_EQ(feed_secret_name(with_feed("https://index.docker.io", "bob")),
            "octopus-feed-cred-gjfh4u6epe1vdf3lyqaoouiusd8");
  EXPECT_EQ(feed_secret_name(with_feed("https://ghcr.io/x", "octopus-ci")),
            "octopus-feed-cred-cg4umyekbivur1a7jizvtba08ro");
  EXPECT_EQ(feed_secret_name(
              with_feed("https://registry.example.com:5000/v2/", "user1")),
            "octopus-feed-cred-sf74iu5wokxriletp27ye0qj3m");
}

TEST(FeedSecretName, TakesTheHostWithoutCaseSchemeOrPath_SEC02) {
  auto expected = feed_secret_name(with_feed("https://ghcr.io", "octopus-ci"));
  for (auto url : {"GHCR.io", "http://ghcr.io:80/a/b", "https://u:p@Ghcr.IO/",
                   "oci://ghcr.io/charts"})
    EXPECT_EQ(feed_secret_name(with_feed(url, "octopus-ci")), expected) << url;
}

TEST(FeedSecretName, NeedsBothUrlAndUserName_SEC01) {
  EXPECT_FALSE(feed_secret_name(start_script{}));
  EXPECT_FALSE(feed_secret_name(with_feed({}, "bob")));
  EXPECT_FALSE(feed_secret_name(with_feed("https://index.docker.io", {})));
  EXPECT_TRUE(feed_secret_name(with_feed("https://index.docker.io", "")));
}

TEST(FeedSecret, IsADockerConfigOwnedByHelm_SEC03) {
  script_pod_settings settings;
  settings.namespace_name = "ns";
  settings.release_name = "rel";
  auto command = with_feed("https://ghcr.io/x", "bob", "pass\"word");
  auto text = make_feed_secret(settings, command);
  auto secret = json::parse(text);
  EXPECT_EQ(secret["apiVersion"], "v1");
  EXPECT_EQ(secret["kind"], "Secret");
  EXPECT_EQ(secret["type"], "kubernetes.io/dockerconfigjson");
  auto& metadata = secret["metadata"];
  EXPECT_EQ(metadata["name"], *feed_secret_name(command));
  EXPECT_EQ(metadata["namespace"], "ns");
  EXPECT_EQ(metadata["labels"]["app.kubernetes.io/managed-by"], "Helm");
  EXPECT_EQ(metadata["annotations"]["meta.helm.sh/release-name"], "rel");
  EXPECT_EQ(metadata["annotations"]["meta.helm.sh/release-namespace"], "ns");
  EXPECT_EQ(config_of(text),
            "{\"auths\":{\"https://ghcr.io/x\":{\"username\":\"bob\","
            "\"password\":\"pass\\\"word\","
            "\"auth\":\"Ym9iOnBhc3Mid29yZA==\"}}}");
}

TEST(FeedSecret, GoesWithItsOwner) {
  script_pod_settings settings;
  auto command = with_feed("https://ghcr.io/x", "bob");
  auto owners = [&] {
    auto secret = json::parse(make_feed_secret(settings, command));
    return secret["metadata"].value("ownerReferences", json{});
  };
  EXPECT_TRUE(owners().is_null());
  settings.owner = owner_reference{"tentacle-config", "u-1"};
  EXPECT_EQ(owners(), json::parse(R"([{"apiVersion":"v1","kind":"ConfigMap",
                                       "name":"tentacle-config","uid":"u-1"}])"));
}

TEST(FeedSecret, KeepsTheCredentialsOfOtherUrls_SEC05) {
  auto first = feed_docker_config(with_feed("https://a/1", "u", "p1"), "");
  auto both = feed_docker_config(with_feed("https://a/2", "u", "p2"), first);
  auto auths = json::parse(both)["auths"];
  EXPECT_EQ(auths.size(), 2u);
  EXPECT_EQ(auths["https://a/1"]["password"], "p1");
  EXPECT_EQ(auths["https://a/2"]["password"], "p2");
  auto rotated = feed_docker_config(with_feed("https://a/1", "u", "new"), both);
  EXPECT_EQ(json::parse(rotated)["auths"]["https://a/1"]["password"], "new");
  EXPECT_EQ(json::parse(rotated)["auths"].size(), 2u);
}

TEST(FeedSecret, ReplacesWhatIsNoDockerConfig_SEC04) {
  for (auto existing : {"", "nonsense", "[]", "{\"auths\":7}", "null"}) {
    auto text = feed_docker_config(with_feed("https://a", "u", {}), existing);
    EXPECT_EQ(text, "{\"auths\":{\"https://a\":{\"username\":\"u\","
                    "\"password\":\"\",\"auth\":\"dTo=\"}}}");
  }
}

TEST(Base64, IsReversible) {
  for (std::string text : {"", "a", "ab", "abc", "abcd", "\xff\x00\xfe"}) {
    EXPECT_EQ(base64_decoded(base64(text)), text);
  }
  std::string all;
  for (int i = 0; i < 256; ++i)
    all += static_cast<char>(i);
  EXPECT_EQ(base64_decoded(base64(all)), all);
}

TEST(Base64, RefusesMalformedText) {
  for (auto text : {"a", "ab", "abc", "a===", "====", "ab=c", "ab==abcd",
                    "ab\ncd", "abc-", "    "})
    EXPECT_FALSE(base64_decoded(text)) << text;
}
