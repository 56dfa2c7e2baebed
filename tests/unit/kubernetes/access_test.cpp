#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "infra/kubernetes/api_client.hpp"

using namespace cuttle;
using namespace cuttle::kubernetes;
using testing::HasSubstr;
using testing::Not;

namespace {

class Access : public testing::Test {
protected:
  Access() {
    std::string pattern
      = (std::filesystem::temp_directory_path() / "cuttle-access-XXXXXX");
    folder_ = mkdtemp(pattern.data());
  }

  ~Access() override {
    std::filesystem::remove_all(folder_);
    unsetenv("KUBERNETES_SERVICE_HOST");
    unsetenv("KUBERNETES_SERVICE_PORT");
  }

  void write(const std::string& name, const std::string& text) {
    std::ofstream{folder_ / name} << text;
  }

  /// A kubeconfig with the given members of the cluster and the user.
  outcome<kubernetes::access> read(const std::string& cluster,
                                   const std::string& user) {
    write("config", "current-context: main\n"
                    "contexts:\n"
                    "- name: main\n"
                    "  context: {cluster: c, user: u, namespace: ns}\n"
                    "- name: other\n"
                    "  context: {cluster: c, user: u}\n"
                    "clusters:\n"
                    "- name: c\n"
                    "  cluster: {"
                      + cluster
                      + "}\n"
                        "users:\n"
                        "- name: u\n"
                        "  user: {"
                      + user + "}\n");
    return kubeconfig_access(folder_ / "config");
  }

  std::string error(const std::string& cluster, const std::string& user) {
    auto result = read(cluster, user);
    return result ? "no error" : result.error().text;
  }

  std::filesystem::path folder_;
  const std::string server_ = "server: 'https://h:6443/'";
};

} // namespace

TEST_F(Access, InsideAClusterComesFromTheServiceAccount) {
  write("ca.crt", "CA");
  write("namespace", "ns\n");
  write("token", "tok");
  auto outside = in_cluster_access(folder_);
  ASSERT_FALSE(outside);
  EXPECT_EQ(outside.error().code, errc::not_found);
  setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1", 1);
  setenv("KUBERNETES_SERVICE_PORT", "443", 1);
  auto result = in_cluster_access(folder_);
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_EQ(result->server, "https://10.0.0.1:443");
  EXPECT_EQ(result->namespace_name, "ns");
  EXPECT_EQ(result->ca_pem, "CA");
  EXPECT_EQ(result->token_file, folder_ / "token");
  EXPECT_TRUE(result->token.empty());
  setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
  EXPECT_EQ(in_cluster_access(folder_)->server, "https://[fd00::1]:443");
  for (auto name : {"token", "namespace", "ca.crt"}) {
    std::filesystem::remove(folder_ / name);
    auto missing = in_cluster_access(folder_);
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().text, HasSubstr(name));
  }
}

TEST_F(Access, FromAKubeconfigTakesInlineData) {
  auto result = read(server_ + ", certificate-authority-data: Q0E=",
                     "client-certificate-data: Q0VSVA==, "
                     "client-key-data: S0VZ");
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_EQ(result->server, "https://h:6443");
  EXPECT_EQ(result->namespace_name, "ns");
  EXPECT_EQ(result->ca_pem, "CA");
  EXPECT_EQ(result->client_certificate_pem, "CERT");
  EXPECT_EQ(result->client_key_pem, "KEY");
  EXPECT_TRUE(result->verify_server);
}

TEST_F(Access, FromAKubeconfigTakesFilesBesideIt) {
  write("ca.pem", "CA");
  write("c.pem", "CERT");
  write("k.pem", "KEY");
  auto result = read(server_ + ", certificate-authority: ca.pem",
                     "client-certificate: ./c.pem, client-key: '"
                       + (folder_ / "k.pem").string() + "'");
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_EQ(result->ca_pem, "CA");
  EXPECT_EQ(result->client_certificate_pem, "CERT");
  EXPECT_EQ(result->client_key_pem, "KEY");
  result = read(server_, "tokenFile: tok");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->token_file, folder_ / "tok");
}

TEST_F(Access, FromAKubeconfigTakesATokenAndSkipsVerificationOnRequest) {
  auto result
    = read(server_ + ", insecure-skip-tls-verify: true", "token: abc");
  ASSERT_TRUE(result);
  EXPECT_EQ(result->token, "abc");
  EXPECT_FALSE(result->verify_server);
}

TEST_F(Access, FromAKubeconfigTakesAnotherContext) {
  read(server_, "token: abc");
  auto other = kubeconfig_access(folder_ / "config", "other");
  ASSERT_TRUE(other);
  EXPECT_EQ(other->namespace_name, "default");
  auto none = kubeconfig_access(folder_ / "config", "missing");
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().text, HasSubstr("no context 'missing'"));
}

TEST_F(Access, RefusesWhatItDoesNotKnow) {
  EXPECT_THAT(error(server_, "exec: {command: aws}"),
              HasSubstr("exec plug-in"));
  EXPECT_THAT(error(server_, "auth-provider: {name: gcp}"),
              HasSubstr("auth-provider"));
  EXPECT_THAT(error(server_, "username: a, password: hunter2"),
              testing::AllOf(HasSubstr("username"), Not(HasSubstr("hunter2"))));
  EXPECT_THAT(error(server_, "token: t, as: admin"), HasSubstr("'as'"));
  EXPECT_THAT(error(server_ + ", proxy-url: 'http://p'", "token: t"),
              HasSubstr("proxy-url"));
  EXPECT_THAT(error(server_ + ", tls-server-name: x", "token: t"),
              HasSubstr("tls-server-name"));
}

TEST_F(Access, RefusesWhatMakesNoSense) {
  EXPECT_THAT(error("server: 'ftp://h'", "token: t"), HasSubstr("server"));
  EXPECT_THAT(error("server: [a]", "token: t"), HasSubstr("server"));
  EXPECT_THAT(error("server: 'http://h'", "token: t"),
              HasSubstr("without encryption"));
  EXPECT_THAT(error(server_, "client-certificate-data: Q0VSVA=="),
              HasSubstr("without key"));
  EXPECT_THAT(error(server_, "client-key-data: '!!'"), HasSubstr("base64"));
  EXPECT_THAT(error(server_, "client-key: nowhere"), HasSubstr("nowhere"));
  EXPECT_THAT(error(server_ + ", insecure-skip-tls-verify: maybe", "token: t"),
              HasSubstr("kubeconfig"));
}

TEST_F(Access, RefusesAFileThatIsNoKubeconfig) {
  for (auto text : {"", "[]", "a: b: c", "{", "current-context: x\n",
                    "current-context: [x]\n",
                    "contexts: 7\ncurrent-context: "
                    "x\n",
                    "\t- secret-key", "- *x"}) {
    write("config", text);
    auto result = kubeconfig_access(folder_ / "config");
    ASSERT_FALSE(result) << text;
    EXPECT_THAT(result.error().text, Not(HasSubstr("secret-key")));
  }
  EXPECT_FALSE(kubeconfig_access(folder_ / "missing"));
  EXPECT_FALSE(kubeconfig_access(folder_));
  write("config", std::string(2 * 1024 * 1024, '#'));
  EXPECT_FALSE(kubeconfig_access(folder_ / "config"));
}
