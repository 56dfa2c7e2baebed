// What the wizard writes is run as it is, and gives a worker.

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/e2e/helm_stage.hpp"
#include "tests/folders.hpp"

namespace cuttle::test {

namespace {

using namespace std::chrono_literals;

// Names that each shell would like to take for something else.
const std::string worker_name
  = R"(Bob's "shop" $HOME `id` $(id) {a,b} \ 50% #1 é)";
const std::string pool_name = R"(it's, {all} "$pools")";

struct shell {
  const char* format;
  /// What runs a file of it.
  std::vector<std::string> command;
};

void PrintTo(const shell& x, std::ostream* out) {
  *out << x.format;
}

std::string powershell() {
  auto* named = std::getenv("CUTTLE_PWSH");
  return named ? named : "pwsh";
}

// Not on a cluster of one's own: there the chart's default images would have to
// come from a registry.
class WizardStory : public HelmStage,
                    public ::testing::WithParamInterface<shell> {
protected:
  void SetUp() override {
    HelmStage::SetUp();
    if (IsSkipped() || HasFatalFailure())
      return;
    auto* inside = std::getenv("CUTTLE_E2E_INSIDE");
    if (!inside)
      GTEST_SKIP() << "this cluster has no network to run a wizard in";
    inside_ = inside;
    auto& program = GetParam().command[0];
    if (run({"bash", "-c", "command -v " + program}).code != 0)
      GTEST_SKIP() << "there is no " << program;
  }

  // Where the server has its address.
  command_result run_inside(std::vector<std::string> command) {
    command.insert(command.begin(), inside_);
    return run(std::move(command));
  }

private:
  std::string inside_;
};

INSTANTIATE_TEST_SUITE_P(Shells, WizardStory,
                         ::testing::Values(shell{"bash", {"bash"}},
                                           shell{"powershell",
                                                 {powershell(), "-NoProfile",
                                                  "-NonInteractive", "-File"}}),
                         [](auto& x) { return std::string{x.param.format}; });

} // namespace

TEST_P(WizardStory, ItsOwnOutputInstallsTheWorker) {
  std::ofstream{folder_ / "key"} << "API-ADMIN";
  std::ofstream{folder_ / "authority.pem"} << rest_->authority();
  auto address = "https://" + host_ + ":";
  auto script = (folder_ / "install.ps1").string();
  auto asked = run_inside({cuttle_program(),
                           "wizard",
                           "--server",
                           address + std::to_string(rest_->port()),
                           "--api-key-file",
                           (folder_ / "key").string(),
                           "--ca-file",
                           (folder_ / "authority.pem").string(),
                           "--space",
                           "Default",
                           "--name",
                           worker_name,
                           "--pool",
                           "Default Worker Pool",
                           "--pool",
                           pool_name,
                           "--create-pools",
                           "--comms",
                           address + std::to_string(port_) + "/",
                           "--release",
                           release(),
                           "--namespace",
                           name_space(),
                           "--storage-class",
                           name_space(),
                           "--chart",
                           chart_folder(),
                           "--format",
                           GetParam().format,
                           "-o",
                           script});
  ASSERT_EQ(asked.code, 0) << asked.text;

  auto command = GetParam().command;
  command.push_back(script);
  auto installed = run_inside(command);
  ASSERT_EQ(installed.code, 0) << installed.text;
  ASSERT_NO_FATAL_FAILURE(connect());
  auto workers = rest_->workers("Spaces-1");
  ASSERT_EQ(workers.size(), 1u);
  auto record = json::parse(workers[0]);
  EXPECT_EQ(record["Name"], worker_name);
  EXPECT_EQ(record["WorkerPoolIds"].size(), 2u) << record;
  auto result = start("echo it works; exit 4")->wait(150s);
  EXPECT_EQ(result.exit_code, 4);
}

} // namespace cuttle::test
