// The wizard's questions and checks, and its run of helm.

#include <deque>
#include <fstream>

#include "fixture.hpp"
#include "programs/cuttle/wizard.hpp"

namespace cuttle::test {

namespace {

using strings = std::vector<std::string>;

// Answers by the beginning of the question.
class scripted_terminal final : public wizard_terminal {
public:
  bool interactive() const override {
    return person;
  }

  std::optional<std::string> ask(const std::string& question,
                                 const std::string& otherwise,
                                 bool secret) override {
    asked.push_back(question);
    if (secret)
      ++secrets;
    for (auto& [begin, answers] : script)
      if (question.starts_with(begin) && !answers.empty()) {
        auto text = answers.front();
        answers.pop_front();
        return text;
      }
    return otherwise;
  }

  void say(const std::string& line) override {
    said += line + "\n";
  }

  bool person = false;
  int secrets = 0;
  std::map<std::string, std::deque<std::string>> script;
  strings asked;
  std::string said;
};

class Wizard : public Registration {
protected:
  void SetUp() override {
    Registration::SetUp();
    write_file("key", "API-ADMIN\n");
    it.server = rest->url();
    it.api_key_file = folder / "key";
    it.ca_file = options.ca_file;
    it.space = "default";
    it.name = "My Worker";
    it.pools = {"Default Worker Pool"};
    it.comms = {env["ServerCommsAddresses"]};
    env.clear();
  }

  octopus::answer<wizard_result> ask() {
    return ask_wizard(it, environment(), terminal);
  }

  std::string why() {
    auto result = ask();
    if (result)
      return "none";
    sentence = result.error().text;
    return std::string{name_of(result.error().what)};
  }

  // A helm that writes its arguments and its values down.
  void make_helm(int code) {
    it.helm = (folder / "helm").string();
    std::ofstream{it.helm}
      << "#!/bin/sh\nprintf '%s\\n' \"$@\" > '" << (folder / "args").string()
      << "'\nfor a in \"$@\"; do case $a in *values.yaml) cat \"$a\" > '"
      << (folder / "values").string() << "'; stat -c %a \"$a\" >> '"
      << (folder / "mode").string() << "';; esac; done\nexit " << code << "\n";
    std::filesystem::permissions(it.helm, std::filesystem::perms::owner_all);
  }

  std::string content(const char* name) const {
    std::ifstream in{folder / name};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

  wizard_options it;
  scripted_terminal terminal;
};

} // namespace

TEST_F(Wizard, NeedsNoTerminalWhenAllIsGiven) {
  auto result = ask();
  ASSERT_TRUE(result) << result.error().text;
  auto& plan = result->plan;
  EXPECT_EQ(plan.space, "Default");
  EXPECT_EQ(plan.pools, strings{"default-worker-pool"});
  EXPECT_EQ(plan.release, "myworker");
  EXPECT_EQ(plan.namespace_name, "octopus-worker-myworker");
  EXPECT_TRUE(plan.credential.starts_with("minted-"));
  EXPECT_FALSE(plan.ca_pem.empty());
  EXPECT_TRUE(terminal.asked.empty());
}

TEST_F(Wizard, SaysWhatIsMissingWithoutATerminal) {
  it.name.clear();
  EXPECT_EQ(why(), "option-wrong");
  EXPECT_NE(sentence.find("--name"), std::string::npos);
  it.api_key_file.clear();
  EXPECT_EQ(why(), "option-wrong");
  EXPECT_NE(sentence.find("--api-key-file"), std::string::npos);
  it.server.clear();
  EXPECT_EQ(why(), "option-wrong");
  EXPECT_NE(sentence.find("--server"), std::string::npos);
}

TEST_F(Wizard, AsksAPersonAgainAfterAWrongAnswer) {
  rest->add_space("Operations");
  terminal.person = true;
  it.server.clear();
  it.api_key_file.clear();
  it.space.clear();
  it.name.clear();
  it.pools.clear();
  it.comms.clear();
  auto good = "https://127.0.0.1:" + std::to_string(rest->port());
  terminal.script = {{"Address", {"octopus", rest->url()}},
                     {"API key", {"API-WRONG", "API-ADMIN"}},
                     {"Space", {"Nowhere", "Default"}},
                     {"Name", {"", "k8s"}},
                     {"Worker pools", {"Fresh", "Fresh"}},
                     {"There is no pool", {"n", "y"}},
                     {"Polling", {"nonsense", good}},
                     {"Helm release", {"Not Good", "mine"}}};
  auto result = ask();
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_EQ(result->plan.name, "k8s");
  EXPECT_EQ(result->plan.pools, strings{"fresh"});
  EXPECT_EQ(result->plan.comms, strings{good});
  EXPECT_EQ(result->plan.release, "mine");
  EXPECT_EQ(terminal.secrets, 2);
  EXPECT_NE(terminal.said.find("'Default' and 'Operations'"),
            std::string::npos);
  EXPECT_EQ(terminal.said.find("API-"), std::string::npos);
}

TEST_F(Wizard, ChecksEachOption) {
  it.space = "Nowhere";
  EXPECT_EQ(why(), "space-not-found");
  it.space = "Default";
  it.pools = {"nope"};
  EXPECT_EQ(why(), "pool-not-found");
  it.pools = {"Default Worker Pool"};
  it.policy = "nope";
  EXPECT_EQ(why(), "policy-not-found");
  it.policy.clear();
  it.format = "word";
  EXPECT_EQ(why(), "option-wrong");
  it.format = "flux";
  EXPECT_EQ(why(), "option-wrong");
  EXPECT_NE(sentence.find("--chart"), std::string::npos);
  it.chart = "oci://registry.example.com/charts/kubernetes-worker";
  it.namespace_name = "Not-Good";
  EXPECT_EQ(why(), "option-wrong");
  it.namespace_name = "good";
  it.comms = {"nonsense"};
  EXPECT_EQ(why(), "comms-address-wrong");
}

TEST_F(Wizard, TakesAPoolWhoseNameHasACommaForOne) {
  it.pools = {"Default Worker Pool", "linux, big"};
  it.create_pools = true;
  auto result = ask();
  ASSERT_TRUE(result) << result.error().text;
  EXPECT_EQ(result->plan.pools, (strings{"default-worker-pool", "linux-big"}));
}

TEST_F(Wizard, RefusesANameThatIsTaken) {
  rest->add_worker("Spaces-1", "my worker", "KubernetesTentacle",
                   std::string(40, 'B'), {"WorkerPools-1"});
  EXPECT_EQ(why(), "name-taken");
  it.take_over = true;
  EXPECT_EQ(why(), "none");
}

TEST_F(Wizard, RefusesANamespaceThatHasAWorker) {
  it.kubeconfig = options.kubeconfig;
  it.namespace_name = cluster->namespace_name();
  EXPECT_EQ(why(), "option-wrong");
  EXPECT_NE(sentence.find("tentacle-config"), std::string::npos);
}

TEST_F(Wizard, RunsHelmAndWaitsUntilTheWorkerIsHealthy) {
  make_helm(0);
  auto result = ask();
  ASSERT_TRUE(result) << result.error().text;
  rest->add_worker("Spaces-1", "My Worker", "KubernetesTentacle",
                   std::string(40, 'B'), {"WorkerPools-1"});
  rest->set_health("Healthy");
  auto done = install(it, result->plan, *result->server, terminal);
  ASSERT_TRUE(done) << done.error().text;
  EXPECT_EQ(content("args").find("minted-"), std::string::npos);
  EXPECT_NE(content("values").find("minted-"), std::string::npos);
  EXPECT_EQ(content("mode"), "600\n");
}

TEST_F(Wizard, SaysSoWhenHelmFailsOrTheWorkerIsNeverHealthy) {
  make_helm(1);
  auto result = ask();
  ASSERT_TRUE(result);
  auto done = install(it, result->plan, *result->server, terminal);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().what, octopus::mistake::refused);
  make_helm(0);
  it.timeout = std::chrono::seconds{1};
  done = install(it, result->plan, *result->server, terminal);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().what, octopus::mistake::no_answer);
  it.helm = (folder / "none").string();
  EXPECT_EQ(install(it, result->plan, *result->server, terminal).error().what,
            octopus::mistake::option_wrong);
}

} // namespace cuttle::test
