#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "inbox.hpp"
#include "infra/kubernetes/store_feed_secret.hpp"
#include "scripted_server.hpp"

using namespace cuttle;
using namespace cuttle::kubernetes;
using namespace cuttle::kubernetes::test;
using nlohmann::json;

namespace {

constexpr auto no_owner = R"({"kind":"Status","code":403,"reason":"Forbidden",
  "message":"cannot set an ownerRef on a resource you can't delete"})";

bool has_owner(const seen_request& in) {
  auto metadata = json::parse(in.body).value("metadata", json::object());
  return metadata.contains("ownerReferences");
}

class FeedSecretStore : public ::testing::Test {
protected:
  FeedSecretStore() {
    settings_.namespace_name = "ns";
    settings_.release_name = "rel";
    settings_.owner = owner_reference{"tentacle-config", "u-1"};
    command_.image = pod_image{"image", "https://ghcr.io/x", "bob", "pass"};
  }

  outcome<void> store(scripted_server& server) {
    api_client client{server.where()};
    inbox<outcome<void>> results;
    store_feed_secret(client, settings_, command_,
                      [&](outcome<void> x) { results.put(std::move(x)); });
    auto result = results.take();
    return result ? *result : fail(errc::deadline_exceeded, "no answer");
  }

  script_pod_settings settings_;
  start_script command_;
};

} // namespace

TEST_F(FeedSecretStore, ASecretThatIsThereGetsTheOwnerToo_SEC05) {
  scripted_server server{[](const seen_request& in, exchange& out) {
    if (in.method == "POST")
      out.respond(409, R"({"kind":"Status","code":409})");
    else
      out.respond(200, R"({"metadata":{"name":"octopus-feed-cred-x"}})");
  }};
  auto result = store(server);
  EXPECT_TRUE(result) << result.error().text;
  auto seen = server.requests();
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_TRUE(has_owner(seen[0]));
  EXPECT_EQ(seen[2].method, "PATCH");
  EXPECT_TRUE(has_owner(seen[2]));
}

TEST_F(FeedSecretStore, IsMadeWithoutAnOwnerWhereTheClusterForbidsOne) {
  scripted_server server{[](const seen_request& in, exchange& out) {
    if (has_owner(in))
      out.respond(403, no_owner);
    else
      out.respond(201, R"({"metadata":{"name":"octopus-feed-cred-x"}})");
  }};
  auto result = store(server);
  EXPECT_TRUE(result) << result.error().text;
  auto seen = server.requests();
  ASSERT_EQ(seen.size(), 2u);
  auto made = json::parse(seen[1].body);
  EXPECT_TRUE(made["data"].contains(".dockerconfigjson"));
  EXPECT_EQ(made["metadata"]["namespace"], "ns");
  EXPECT_EQ(made["metadata"]["annotations"]["meta.helm.sh/release-name"],
            "rel");
}

TEST_F(FeedSecretStore, SaysWhatTheClusterSaysIfSecretsAreForbidden) {
  scripted_server server{[](const seen_request&, exchange& out) {
    out.respond(403, R"({"kind":"Status","code":403,"message":"no secrets"})");
  }};
  auto result = store(server);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, errc::forbidden);
  EXPECT_NE(result.error().text.find("no secrets"), std::string::npos)
    << result.error().text;
}
