// What is left when the release goes: nothing.

#include <fstream>

#include "tests/e2e/helm_stage.hpp"
#include "tests/folders.hpp"

namespace cuttle::test {

namespace {

using namespace std::chrono_literals;

const std::string scripts = "octopus.com/scriptTicketId";

class UninstallStory : public HelmStage {
protected:
  // Names of what is in the namespace, besides what each namespace has.
  std::set<std::string> left() {
    std::set<std::string> result;
    for (auto kind :
         {"pods", "secrets", "configmaps", "persistentvolumeclaims",
          "serviceaccounts", "deployments", "replicasets", "jobs", "services",
          "roles", "rolebindings", "poddisruptionbudgets", "networkpolicies"})
      for (auto& object : list(kind)) {
        auto name = object["metadata"]["name"].get<std::string>();
        auto everywhere = name == "kube-root-ca.crt" || name == "default"
                          || name.starts_with("default-token-");
        if (!everywhere)
          result.insert(std::string{kind} + "/" + name);
      }
    return result;
  }

  // A script whose step has a feed with credentials, so that there is a pull
  // secret of the worker's making.
  running_script_ptr start_with_feed(const std::string& body) {
    start_script command;
    command.script_body = body;
    command.image.emplace();
    command.image->image = script_image_;
    command.image->feed_url = "https://registry.example";
    command.image->feed_username = "bob";
    command.image->feed_password = "secret";
    return start(std::move(command));
  }

  std::size_t feed_secrets() {
    std::size_t found = 0;
    for (auto& secret : list("secrets"))
      if (secret["metadata"]["name"].get<std::string>().starts_with(
            "octopus-feed-cred-"))
        ++found;
    return found;
  }

  static json with_deregistration() {
    json result;
    result["cuttle"]["registration"]["deregister"] = true;
    return result;
  }
};

} // namespace

TEST_F(UninstallStory, LeavesNothingNotEvenTheWorkersRecord_CHT20) {
  // (as it is installed by default: the value comes with an upgrade)
  json values;
  values["agent"]["debug"]["disableAutoPodCleanup"] = true;
  ASSERT_NO_FATAL_FAILURE(install(values));
  ASSERT_NO_FATAL_FAILURE(connect());
  // A pod that is finished and kept, one that runs, and a feed's secret.
  auto ended = start("echo done");
  EXPECT_EQ(ended->wait(150s).exit_code, 0);
  auto running = start_with_feed("echo begun; sleep 600");
  ASSERT_TRUE(running->sees("begun", 150s));
  EXPECT_EQ(list("pods", scripts).size(), 2u);
  EXPECT_EQ(feed_secrets(), 1u);

  // An upgrade collects none of them.
  values.merge_patch(with_deregistration());
  auto upgraded
    = upgrade(chart_folder(), values, {"--wait", "--timeout", "150s"});
  ASSERT_EQ(upgraded.code, 0) << upgraded.text;
  EXPECT_EQ(list("pods", scripts).size(), 2u);
  EXPECT_EQ(feed_secrets(), 1u);
  EXPECT_FALSE(running->ended());
  ASSERT_EQ(rest_->workers("Spaces-1").size(), 1u);

  auto gone = helm({"uninstall", release()});
  ASSERT_EQ(gone.code, 0) << gone.text;
  EXPECT_TRUE(rest_->workers("Spaces-1").empty());
  std::set<std::string> rest;
  EXPECT_TRUE(eventually(
    [&] {
      rest = left();
      return rest.empty();
    },
    120s))
    << ::testing::PrintToString(rest);
}

TEST_F(UninstallStory, StaysInstalledIfTheRecordCanNotBeDeleted) {
  ASSERT_NO_FATAL_FAILURE(install(with_deregistration()));
  ASSERT_NO_FATAL_FAILURE(connect());
  json data;
  data["data"]["api-key"] = "QVBJLVdST05H"; // API-WRONG
  auto broken
    = kubectl({"patch", "secret", "octopus-agent-tentacle-server-auth",
               "--type=merge", "-p", data.dump()});
  ASSERT_EQ(broken.code, 0) << broken.text;
  auto refused = helm({"uninstall", release(), "--timeout", "60s"});
  EXPECT_NE(refused.code, 0) << refused.text;
  EXPECT_EQ(rest_->workers("Spaces-1").size(), 1u);
  auto log = kubectl({"logs", "job/octopus-agent-deregister"});
  EXPECT_NE(log.text.find("credentials-refused"), std::string::npos)
    << log.text;
  EXPECT_EQ(start("echo still here")->wait().exit_code, 0);

  auto gone = helm({"uninstall", release(), "--no-hooks"});
  ASSERT_EQ(gone.code, 0) << gone.text;
  EXPECT_TRUE(get("deployment", "octopus-agent-worker").is_null());
  EXPECT_EQ(rest_->workers("Spaces-1").size(), 1u);
}

} // namespace cuttle::test
