// Authentication, authorisation, config maps and secrets.

#include <gtest/gtest.h>

#include "client.hpp"

using namespace cuttle::sim;
using namespace cuttle::sim::test;

namespace {

constexpr auto merge = "application/merge-patch+json";

TEST(ClusterApi, TellsItsVersion) {
  running k;
  ASSERT_NE(k.port, 0);
  auto version = call(k.at, "GET", "/version");
  EXPECT_EQ(version.status, 200);
  EXPECT_EQ(version.json()["gitVersion"], "v1.32.4");
  EXPECT_EQ(version.json()["minor"], "32");
}

TEST(ClusterApi, RefusesAnUnknownToken) {
  running k;
  auto stranger = k.at;
  stranger.token = "wrong";
  EXPECT_EQ(call(stranger, "GET", k.at.path("pods")).status, 401);
  stranger.token.clear();
  auto anonymous = call(stranger, "GET", k.at.path("pods"));
  EXPECT_EQ(anonymous.status, 401);
  EXPECT_EQ(anonymous.json()["kind"], "Status");
  EXPECT_EQ(anonymous.message(), "Unauthorized");
}

TEST(ClusterApi, IsNotTrustedWithoutItsCertificate) {
  running k;
  auto other = k.at;
  running another;
  other.ca_pem = another.at.ca_pem;
  EXPECT_EQ(call(other, "GET", "/version").status, 0);
}

TEST(ClusterApi, RefusesOtherNamespacesInKubernetesWords_RBAC01) {
  running k;
  auto refused = call(k.at, "GET", "/api/v1/namespaces/default/pods");
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.message(),
            "pods is forbidden: User \"system:serviceaccount:"
            "octopus-worker-demo:octopus-agent-tentacle\" cannot list resource "
            "\"pods\" in API group \"\" in the namespace \"default\"");
  EXPECT_EQ(call(k.at, "GET", "/api/v1/pods").status, 403);
  EXPECT_EQ(call(k.at, "GET", "/api/v1/nodes").status, 403);
}

TEST(ClusterApi, SaysWhatItDoesNotHave) {
  running k;
  auto missing = call(k.at, "GET", k.at.path("pods/none"));
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.message(), "pods \"none\" not found");
  EXPECT_EQ(call(k.at, "GET", k.at.path("deployments")).status, 404);
  EXPECT_EQ(call(k.at, "GET", "/apis/agent.octopus.com/v1beta1").status, 404);
  EXPECT_EQ(call(k.at, "PUT", k.at.path("pods/none"), "{}").status, 405);
}

TEST(ClusterApi, RefusesABodyThatIsTooLarge) {
  running k;
  auto refused = call(k.at, "POST", k.at.path("configmaps"),
                      std::string(4 * 1024 * 1024, ' '));
  // The connection may break before the answer is read, as in real life.
  EXPECT_TRUE(refused.status == 413 || refused.status == 0) << refused.status;
}

TEST(ClusterApi, RefusesWhatIsNoObject) {
  running k;
  for (const auto* body :
       {"{", "[]", "1", "{\"metadata\":1}",
        "{\"metadata\":{\"name\":\"a\"},\"data\":[]}", "{\"kind\":\"Secret\"}"})
    EXPECT_EQ(call(k.at, "POST", k.at.path("configmaps"), body).status, 400)
      << body;
  EXPECT_EQ(call(k.at, "POST", k.at.path("configmaps"),
                 R"({"metadata":{"name":"a"},"data":{"k":1}})")
              .status,
            422);
}

TEST(ClusterApi, PatchesAConfigMapAndRemovesWhatIsNull) {
  running k;
  k.cluster.put_config_map("tentacle-config", {{"a", "1"}, {"b", "2"}});
  auto done = call(k.at, "PATCH", k.at.path("configmaps/tentacle-config"),
                   R"({"data":{"a":null,"b":"3","c":"4"}})", merge);
  EXPECT_EQ(done.status, 200) << done.body;
  std::map<std::string, std::string> expected{{"b", "3"}, {"c", "4"}};
  EXPECT_EQ(k.cluster.config_map("tentacle-config"), expected);
  auto read = call(k.at, "GET", k.at.path("configmaps/tentacle-config"));
  EXPECT_EQ(read.json()["metadata"]["resourceVersion"],
            done.json()["metadata"]["resourceVersion"]);
}

TEST(ClusterApi, PatchesAMapThatHasNoDataYet_CHT19) {
  running k;
  ASSERT_EQ(call(k.at, "POST", k.at.path("secrets"),
                 R"({"metadata":{"name":"tentacle-secret"}})")
              .status,
            201);
  auto done = call(k.at, "PATCH", k.at.path("secrets/tentacle-secret"),
                   R"({"data":{"machine-key":"AAAA"}})", merge);
  EXPECT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(done.json()["data"]["machine-key"], "AAAA");
  EXPECT_EQ(done.json()["type"], "Opaque");
}

TEST(ClusterApi, RefusesASecretThatIsNotBase64) {
  running k;
  auto refused = call(k.at, "POST", k.at.path("secrets"),
                      R"({"metadata":{"name":"s"},"data":{"k":"%%%"}})");
  EXPECT_EQ(refused.status, 422);
}

TEST(ClusterApi, KnowsOnlyTheMergePatch) {
  running k;
  k.cluster.put_config_map("m", {});
  EXPECT_EQ(call(k.at, "PATCH", k.at.path("configmaps/m"), "[]",
                 "application/json-patch+json")
              .status,
            415);
  EXPECT_EQ(
    call(k.at, "PATCH", k.at.path("configmaps/none"), "{}", merge).status, 404);
}

TEST(ClusterApi, RefusesAPatchOfAnOldVersion) {
  running k;
  k.cluster.put_config_map("m", {{"a", "1"}});
  auto refused = call(k.at, "PATCH", k.at.path("configmaps/m"),
                      R"({"metadata":{"resourceVersion":"1"}})", merge);
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.json()["reason"], "Conflict");
}

TEST(ClusterApi, HoldsAConfigMapToOneMebibyte_MET03) {
  running k;
  k.cluster.put_config_map("m", {});
  nlohmann::json patch{{"data", {{"k", std::string(1'100'000, 'x')}}}};
  EXPECT_EQ(
    call(k.at, "PATCH", k.at.path("configmaps/m"), patch.dump(), merge).status,
    422);
  EXPECT_TRUE(k.cluster.config_map("m").empty());
}

TEST(ClusterApi, RemembersTheCallsInOrder) {
  running k;
  k.cluster.put_secret("s", {{"k", "v"}});
  call(k.at, "GET", "/version");
  auto secret = call(k.at, "GET", k.at.path("secrets/s"));
  EXPECT_EQ(secret.json()["data"]["k"], "dg==");
  call(k.at, "GET", k.at.path("pods"));
  EXPECT_EQ(k.cluster.calls(), (std::vector<std::string>{
                                 "get version", "get secrets s", "list pods"}));
}

TEST(ClusterApi, RemovesItsFolder) {
  std::filesystem::path folder;
  {
    running k;
    folder = k.cluster.kubeconfig().parent_path();
    EXPECT_TRUE(std::filesystem::exists(folder / "token"));
  }
  EXPECT_FALSE(std::filesystem::exists(folder));
}

} // namespace
