// The wizard's page as a person uses it, in a real browser.
// CUTTLE_SCREENSHOTS=FOLDER keeps pictures of it.

#include <cstdlib>
#include <fstream>

#include "browser.hpp"
#include "page_fixture.hpp"

namespace cuttle::test {

namespace {

class WizardInBrowser : public WizardPage {
protected:
  void SetUp() override {
    auto program = browser::find();
    if (!program) {
      if (std::getenv("CUTTLE_NEED_BROWSER") != nullptr)
        FAIL() << "there is no browser, although CUTTLE_NEED_BROWSER is set";
      GTEST_SKIP() << "there is no browser; apt-get install chromium brings "
                      "one and runs this test";
    }
    WizardPage::SetUp();
    chromium = std::make_unique<browser>(*program, folder / "browser");
    chromium->size(1280, 900);
  }

  void TearDown() override {
    chromium.reset();
    if (!folder.empty())
      WizardPage::TearDown();
  }

  // Puts the cursor into a field, in place of what is there, and types.
  void enter(const std::string& id, const std::string& text) {
    chromium->value("document.getElementById('" + id
                    + "').focus(); document.activeElement.select()");
    chromium->type(text);
  }

  void click(const std::string& id) {
    chromium->value("document.getElementById('" + id + "').click()");
  }

  void expect(const std::string& expression) {
    EXPECT_TRUE(chromium->until(expression))
      << expression << "\n"
      << chromium->value("document.body.innerText");
  }

  std::string text(const std::string& id) {
    auto found
      = chromium->value("document.getElementById('" + id + "').textContent");
    return found.is_string() ? found.get<std::string>() : "";
  }

  void picture(const std::string& name) {
    auto* to = std::getenv("CUTTLE_SCREENSHOTS");
    if (to == nullptr)
      return;
    // (what sticks to the top would be in the middle)
    chromium->value("scrollTo(0, 0)");
    chromium->screenshot(std::filesystem::path{to} / (name + ".png"));
  }

  static std::string state(const std::string& field) {
    return "document.querySelector('[data-field=\"" + field
           + "\"]').dataset.state";
  }

  std::unique_ptr<browser> chromium;
};

} // namespace

TEST_F(WizardInBrowser, LeadsFromTheAddressToAHealthyWorker) {
  rest->add_pool("Spaces-1", "Linux builds");
  rest->add_pool("Spaces-1", "Shop production");
  rest->add_worker("Spaces-1", "Taken", "KubernetesTentacle",
                   std::string(40, 'A'), {"WorkerPools-1"});
  start();
  chromium->open(web->address());
  expect("document.getElementById('version').textContent");
  EXPECT_EQ(chromium->value("location.href").get<std::string>().find("token"),
            std::string::npos);
  picture("1-begin");

  // Wrong answers are told of beside their fields, by name.
  enter("server", "octopus");
  expect(state("server") + " === 'bad'");
  EXPECT_EQ(chromium->value("document.getElementById('server')"
                            ".getAttribute('aria-invalid')"),
            "true");
  EXPECT_GT(chromium
              ->value("document.getElementById(document.getElementById("
                      "'server').getAttribute('aria-describedby'))"
                      ".textContent")
              .get<std::string>()
              .size(),
            15u);
  enter("server", rest->url());
  enter("secret", "API-WRONG");
  chromium->press("Enter", 13);
  expect(state("credential") + " === 'bad'");
  picture("2-refused");
  enter("secret", "API-ADMIN");
  chromium->press("Enter", 13);
  expect("!document.getElementById('worker-step').inert");
  EXPECT_EQ(chromium->value("document.getElementById('secret').value"), "");
  enter("name", "Taken");
  expect(state("name") + " === 'bad'");
  picture("3-taken");

  enter("name", "Shop workers");
  expect("document.getElementById('release').value === 'shopworkers'");
  enter("comms", "https://127.0.0.1:" + std::to_string(rest->port()) + "/");
  chromium->value("document.activeElement.blur()");
  expect(state("comms") + " === 'good'");
  expect("!document.getElementById('copy').disabled");
  EXPECT_NE(text("command").find("Shop workers"), std::string::npos);
  EXPECT_EQ(text("command").find("minted-"), std::string::npos);
  EXPECT_NE(text("run-where").find("test-cluster"), std::string::npos);
  picture("4-command");
  chromium->size(400, 800, true);
  EXPECT_EQ(chromium->value("document.documentElement.scrollWidth"), 400)
    << "no part is wider than a narrow window";
  picture("5-narrow-dark");
  chromium->size(1280, 900, true);
  picture("6-dark");
  chromium->size(1280, 900);

  // The keyboard reaches the other forms of the command.
  chromium->value("document.getElementById('tab-bash').focus()");
  chromium->press("ArrowRight", 39);
  chromium->press("ArrowRight", 39);
  expect("document.getElementById('command').textContent"
         ".includes('acceptEula:')");
  EXPECT_EQ(chromium->value("document.activeElement.id"), "tab-values");

  make_helm("while [ ! -e '" + (folder / "go").string()
            + "' ]; do sleep 0.05; done");
  click("run");
  expect("document.getElementById('log').textContent"
         ".includes('does not exist')");
  rest->add_worker("Spaces-1", "Shop workers", "KubernetesTentacle",
                   std::string(40, 'B'), {"WorkerPools-1"});
  rest->set_health("Healthy");
  expect("document.querySelector('[data-stage=registered]').className"
         " === 'done'");
  picture("7-running");
  write_file("go", "");
  expect("document.getElementById('outcome').className === 'good'");
  picture("8-finished");
  chromium->size(1000, 900);
  picture("9-docs");
  click("close");
  expect("!document.getElementById('banner').hidden");
  EXPECT_TRUE(chromium->until("true"));
  for (int i = 0; i < 1'000 && !web->done(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  EXPECT_TRUE(web->done());
}

TEST_F(WizardInBrowser, SaysWhatToDoWithoutTheToken) {
  start();
  chromium->open("http://127.0.0.1:" + std::to_string(web->port()) + "/");
  expect("document.getElementById('banner').textContent.includes('address')");
}

TEST_F(WizardInBrowser, AsksBeforeItTakesTheSeatOfAnotherPage) {
  start();
  EXPECT_EQ(call("open").status, 200);
  chromium->open(web->address());
  expect("document.querySelector('#banner button')");
  chromium->value("document.querySelector('#banner button').click()");
  expect("document.getElementById('version').textContent");
  EXPECT_EQ(call("server", {{"server", "https://x"}}).status, 409);
}

} // namespace cuttle::test
