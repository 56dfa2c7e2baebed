// A worker whose process runs and one of whose threads does not.

#include <filesystem>
#include <fstream>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "tests/program/stage.hpp"

namespace cuttle::test {

namespace {

using namespace std::chrono_literals;

std::vector<pid_t> threads_of(pid_t process, const std::string& name) {
  std::vector<pid_t> result;
  auto tasks = "/proc/" + std::to_string(process) + "/task";
  for (auto& entry : std::filesystem::directory_iterator{tasks}) {
    std::string own;
    std::getline(std::ifstream{entry.path() / "comm"}, own);
    if (own == name)
      result.push_back(std::stoi(entry.path().filename().string()));
  }
  return result;
}

/// Stops threads of a child, and lets them go on at its end.
class stopped_threads {
public:
  explicit stopped_threads(const std::vector<pid_t>& threads) {
    for (auto thread : threads) {
      if (ptrace(PTRACE_SEIZE, thread, nullptr, nullptr) != 0)
        continue;
      int status = 0;
      if (ptrace(PTRACE_INTERRUPT, thread, nullptr, nullptr) == 0
          && waitpid(thread, &status, __WALL) == thread && WIFSTOPPED(status))
        stopped_.push_back(thread);
    }
  }

  ~stopped_threads() {
    for (auto thread : stopped_)
      ptrace(PTRACE_DETACH, thread, nullptr, nullptr);
  }

  stopped_threads(const stopped_threads&) = delete;
  stopped_threads& operator=(const stopped_threads&) = delete;

  std::size_t count() const {
    return stopped_.size();
  }

private:
  std::vector<pid_t> stopped_;
};

class Stuck : public Stage {};

} // namespace

TEST_F(Stuck, ALivenessProbeNoticesAThreadThatDoesNotRun) {
  start_connected_worker();
  auto process = worker_->process().id();
  // The actors' scheduler, the calls to the cluster, the links with the server.
  for (auto name : {"caf.worker", "kubernetes", "links"}) {
    SCOPED_TRACE(name);
    auto threads = threads_of(process, name);
    ASSERT_FALSE(threads.empty());
    ASSERT_EQ(worker_->get("/healthz").first, 200);
    {
      stopped_threads stopped{threads};
      if (stopped.count() == 0)
        GTEST_SKIP() << "this machine lets nobody stop a thread";
      ASSERT_EQ(stopped.count(), threads.size());
      EXPECT_NE(worker_->get("/healthz").first, 200);
    }
    EXPECT_TRUE(
      eventually([&] { return worker_->get("/healthz").first == 200; }));
  }
  EXPECT_EQ(run("echo it goes on").exit_code, 0);
}

} // namespace cuttle::test
