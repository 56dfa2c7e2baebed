// The wizard's page, call by call.

#include <fstream>

#include "infra/octopus/http_client.hpp"
#include "page_fixture.hpp"

namespace cuttle::test {

using namespace std::chrono_literals;
using json = nlohmann::json;

TEST_F(WizardPage, AsksChecksAndGivesTheCommandInEachForm) {
  start();
  ASSERT_NO_FATAL_FAILURE(fill_in("My Worker"));
  for (auto* format :
       {"bash", "powershell", "values", "terraform", "flux", "argocd"}) {
    auto shown = call("command", {{"format", format}});
    ASSERT_EQ(shown.body["ok"], true) << shown.body;
    auto text = shown.body["text"].get<std::string>();
    EXPECT_NE(text.find("My Worker"), std::string::npos) << text;
    EXPECT_NE(text.find("fast.ssd"), std::string::npos) << text;
    EXPECT_EQ(text.find("minted-"), std::string::npos) << text;
  }
  for (auto& x : rest->calls())
    EXPECT_EQ(x.find("AccessToken"), std::string::npos)
      << "a command that is shown costs no token";
  auto copied = call("command", {{"format", "bash"}, {"secrets", true}});
  EXPECT_NE(copied.body["text"].get<std::string>().find("minted-"),
            std::string::npos);
}

TEST_F(WizardPage, ShowsTheSameCommandAsTheTerminal) {
  start();
  ASSERT_NO_FATAL_FAILURE(fill_in("k8s"));
  class silent final : public wizard_terminal {
    bool interactive() const override {
      return false;
    }
    std::optional<std::string> ask(const std::string&, const std::string&,
                                   bool) override {
      return std::nullopt;
    }
    void say(const std::string&) override {}
  } terminal;
  write_file("key", "API-ADMIN\n");
  it.server = rest->url();
  it.api_key_file = folder / "key";
  it.name = "k8s";
  it.release = "mine";
  it.namespace_name = "mine-ns";
  it.storage_class = "fast.ssd";
  it.chart = "oci://r.example/c/w";
  it.comms = {"https://127.0.0.1:" + std::to_string(rest->port()) + "/"};
  auto asked = ask_wizard(it, environment(), terminal);
  ASSERT_TRUE(asked) << asked.error().text;
  asked->plan.credential = "********";
  for (auto* format :
       {"bash", "powershell", "values", "terraform", "flux", "argocd"})
    EXPECT_EQ(call("command", {{"format", format}}).body["text"],
              render(asked->plan, *format_of(format)));
}

TEST_F(WizardPage, SaysWhatIsWrongBesideTheField) {
  rest->add_worker("Spaces-1", "taken", "KubernetesTentacle",
                   std::string(40, 'B'), {"WorkerPools-1"});
  start();
  ASSERT_NO_FATAL_FAILURE(fill_in("k8s"));
  struct wrong_answer {
    const char* call;
    json body;
    const char* field;
    const char* mistake;
  };
  const std::vector<wrong_answer> all{
    {"server", {{"server", "octopus"}}, "server", "server-url-wrong"},
    {"name", {{"name", ""}}, "name", "option-wrong"},
    {"name", {{"name", 5}}, "name", "option-wrong"},
    {"name", {{"name", "Taken"}}, "name", "name-taken"},
    {"pools", {{"pools", json::array()}}, "pools", "option-wrong"},
    {"pools", {{"pools", {"none"}}}, "pools", "pool-not-found"},
    {"policy", {{"policy", "none"}}, "policy", "policy-not-found"},
    {"comms", {{"comms", {"nonsense"}}}, "comms", "comms-address-wrong"},
    {"place",
     {{"release", "Not Good"}, {"namespace", "x"}},
     "release",
     "option-wrong"},
    {"place",
     {{"release", "x"}, {"namespace", "Not Good"}},
     "namespace",
     "option-wrong"},
    {"storage", {{"storageClass", "a b"}}, "storageClass", "option-wrong"},
    {"storage", {{"accessMode", "None"}}, "accessMode", "option-wrong"},
    {"credential",
     {{"credentialSecret", "a b"}},
     "credentialSecret",
     "option-wrong"},
    {"chart",
     {{"chart", "--x"}, {"chartVersion", "1"}},
     "chart",
     "option-wrong"},
    {"space", {{"space", "none"}}, "space", "space-not-found"},
    {"sign-in",
     {{"server", rest->url()}, {"kind", "key"}, {"secret", "API-WRONG"}},
     "credential",
     "credentials-refused"},
    {"sign-in",
     {{"server", "x"}, {"kind", "key"}},
     "server",
     "server-url-wrong"},
    // (the last sign-in failed, so nobody is signed in)
    {"name", {{"name", "x"}}, "name", "credentials-missing"},
  };
  for (auto& x : all) {
    auto answer = call(x.call, x.body);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body["ok"], false) << x.call << answer.body;
    EXPECT_EQ(answer.body["field"], x.field) << x.call << answer.body;
    EXPECT_EQ(answer.body["mistake"], x.mistake) << x.call << answer.body;
    EXPECT_GT(answer.body["text"].get<std::string>().size(), 15u);
  }
}

TEST_F(WizardPage, KeepsNoAnswerThatBecameWrong) {
  start();
  ASSERT_NO_FATAL_FAILURE(fill_in("k8s"));
  EXPECT_EQ(call("command", {{"format", "bash"}}).body["ok"], true);
  EXPECT_EQ(call("name", {{"name", ""}}).body["ok"], false);
  auto command = call("command", {{"format", "bash"}});
  EXPECT_EQ(command.body["ok"], false);
  EXPECT_EQ(command.body["field"], "name");
  EXPECT_EQ(call("run", {{"context", "test-cluster"}}).body["ok"], false);
  EXPECT_FALSE(std::filesystem::exists(folder / "args"));
}

TEST_F(WizardPage, CreatesAPoolOnlyWhenAsked) {
  start();
  ASSERT_NO_FATAL_FAILURE(fill_in("k8s"));
  auto made = call("create-pool", {{"name", "Fresh"}});
  EXPECT_EQ(made.body["created"], "Fresh") << made.body;
  EXPECT_EQ(call("pools", {{"pools", {"Fresh"}}}).body["ok"], true);
  EXPECT_EQ(call("create-pool", {{"name", "fresh"}}).body["ok"], false);
}

TEST_F(WizardPage, LetsNobodyElseIn) {
  start();
  auto with = [&](std::size_t which, const std::string& header) {
    auto all = headers();
    if (header.empty())
      all.erase(all.begin() + static_cast<long>(which));
    else
      all[which] = header;
    return send("open", "{}", all).status;
  };
  EXPECT_EQ(with(0, ""), 403);
  EXPECT_EQ(with(0, "Origin: https://evil.example"), 403);
  EXPECT_EQ(with(1, ""), 401);
  EXPECT_EQ(with(1, "X-Cuttle-Token: " + std::string(64, '0')), 401);
  auto other = headers();
  other.push_back("Host: evil.example:" + std::to_string(web->port()));
  EXPECT_EQ(send("open", "{}", other).status, 403);
  EXPECT_EQ(send("open", std::string(70'000, ' '), headers()).status, 413);
  EXPECT_EQ(call("open").status, 200);
  EXPECT_EQ(send("name", "{\"name\":", headers()).status, 400);
  EXPECT_EQ(send("name", "[1]", headers()).status, 400);
  EXPECT_EQ(send("name", std::string(60'000, '['), headers()).status, 400);
  EXPECT_EQ(send("no-such-call", "{}", headers()).status, 404);
}

TEST_F(WizardPage, SeatsOnePageAtATime) {
  start();
  EXPECT_EQ(call("open").status, 200);
  auto second = send("open", "{}", headers("two"));
  EXPECT_EQ(second.status, 409);
  EXPECT_EQ(second.body["reason"], "seat");
  EXPECT_EQ(send("name", "{}", headers("two")).status, 409);
  EXPECT_EQ(send("open", R"({"take":true})", headers("two")).status, 200);
  EXPECT_EQ(call("server", {{"server", "https://x"}}).status, 409);
}

TEST_F(WizardPage, RunsHelmAndTellsOfTheWorkerAsItGetsHealthy) {
  start();
  ASSERT_NO_FATAL_FAILURE(fill_in("My Worker"));
  EXPECT_EQ(call("run", {{"context", "other"}}).body["field"], "run");
  // The record is there while helm still waits for the pod.
  rest->add_worker("Spaces-1", "My Worker", "KubernetesTentacle",
                   std::string(40, 'B'), {"WorkerPools-1"});
  rest->set_health("Unknown");
  auto done = (folder / "go").string();
  make_helm("while [ ! -e '" + done + "' ]; do sleep 0.05; done");
  ASSERT_EQ(call("run", {{"context", "test-cluster"}}).body["ok"], true);
  EXPECT_EQ(call("name", {{"name", "x"}}).status, 409) << "busy";
  for (std::uint64_t after = 0;;) {
    auto news = call("progress", {{"after", after}}).body;
    after = news["revision"].get<std::uint64_t>();
    auto& stages = news["stages"];
    if (std::find(stages.begin(), stages.end(), "registered") != stages.end()) {
      EXPECT_EQ(std::find(stages.begin(), stages.end(), "installed"),
                stages.end());
      break;
    }
  }
  rest->set_health("Healthy");
  write_file("go", "");
  auto last = follow();
  EXPECT_FALSE(last.contains("trouble")) << last;
  EXPECT_EQ(last["stages"].back(), "healthy") << last;
  EXPECT_NE(lines.find("does not exist"), std::string::npos) << lines;
  EXPECT_EQ(lines.find("minted-"), std::string::npos) << lines;
  std::ifstream in{folder / "args"};
  std::string args{std::istreambuf_iterator<char>{in}, {}};
  EXPECT_NE(args.find("--kube-context\ntest-cluster\n"), std::string::npos);
  EXPECT_EQ(args.find("minted-"), std::string::npos);
}

TEST_F(WizardPage, SaysWhyHelmFailedAndTakesAnotherTry) {
  start();
  ASSERT_NO_FATAL_FAILURE(fill_in("k8s"));
  make_helm("echo 'Error: no such chart' >&2; exit 1");
  ASSERT_EQ(call("run", {{"context", "test-cluster"}}).body["ok"], true);
  auto last = follow();
  EXPECT_EQ(last["trouble"]["mistake"], "refused");
  EXPECT_NE(lines.find("Error: no such chart"), std::string::npos) << lines;
  EXPECT_EQ(call("name", {{"name", "k8s"}}).body["ok"], true);
}

TEST_F(WizardPage, EndsHelmWhenItEnds) {
  start();
  ASSERT_NO_FATAL_FAILURE(fill_in("k8s"));
  make_helm("exec sleep 100");
  ASSERT_EQ(call("run", {{"context", "test-cluster"}}).body["ok"], true);
  for (std::uint64_t after = 0;
       lines.find("does not exist") == std::string::npos;) {
    auto news = call("progress", {{"after", after}}).body;
    ASSERT_EQ(news["active"], true) << news;
    for (auto& x : news["lines"])
      lines += x.get<std::string>();
    after = news["revision"].get<std::uint64_t>();
  }
  web.reset();
  // Its values were in a file that is gone.
  std::ifstream in{folder / "args"};
  for (std::string line; std::getline(in, line);)
    EXPECT_FALSE(line.ends_with("values.yaml") && std::filesystem::exists(line))
      << line;
}

TEST_F(WizardPage, IsDoneWhenItIsClosed) {
  start();
  call("open");
  EXPECT_FALSE(web->done());
  EXPECT_EQ(call("close").status, 200);
  // (the answer comes just before)
  for (int i = 0; i < 1'000 && !web->done(); ++i)
    std::this_thread::sleep_for(10ms);
  EXPECT_TRUE(web->done());
}

TEST_F(WizardPage, UsesWhatTheCommandLineGave) {
  write_file("key", "API-ADMIN\n");
  it.api_key_file = folder / "key";
  it.server = rest->url();
  start();
  auto opened = call("open").body;
  EXPECT_EQ(opened["given"]["credential"], true);
  EXPECT_EQ(opened["tools"]["context"], "test-cluster");
  EXPECT_EQ(
    call("sign-in", {{"server", rest->url()}, {"kind", "given"}}).body["user"],
    "admin");
  auto again = call("open").body;
  EXPECT_EQ(again["account"]["user"], "admin") << "a page that was loaded anew";
}

TEST_F(WizardPage, SaysSoWhenItsPortIsTaken) {
  start();
  it.port = web->port();
  wizard_web second{it, environment()};
  auto started = second.start();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().text.find(std::to_string(web->port())),
            std::string::npos);
}

} // namespace cuttle::test
