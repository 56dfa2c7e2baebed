#include "tests/program/link_stage.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>

namespace cuttle::test {

using namespace std::chrono_literals;

bool LinkStage::real_cluster() {
  const auto* kind = std::getenv("CUTTLE_TEST_CLUSTER");
  return kind != nullptr && std::string{kind} == "real";
}

bool LinkStage::links_possible() {
  return !real_cluster() || port_forward::possible();
}

void LinkStage::SetUp() {
  // A worker hands over about a megabyte each time that the server asks.
  poll_ceiling_ = 300ms;
  if (!links_possible())
    GTEST_SKIP() << "CUTTLE_E2E_HOST and CUTTLE_E2E_FORWARD say how pods "
                    "reach this machine";
  Stage::SetUp();
  link_port_ = unused_port();
}

void LinkStage::TearDown() {
  way_.reset();
  Stage::TearDown();
}

std::map<std::string, std::string> LinkStage::link_settings() const {
  return {
    {"CUTTLE_LINK_HOST", real_cluster() ? port_forward::host() : "127.0.0.1"},
    {"CUTTLE_LINK_PORT", std::to_string(link_port_)}};
}

void LinkStage::start_linked_worker(
  const std::map<std::string, std::string>& more) {
  if (real_cluster() && !way_)
    way_.emplace(link_port_, folder_);
  auto environment = link_settings();
  environment.insert(more.begin(), more.end());
  start_connected_worker(environment);
  ASSERT_TRUE(worker_->logged("runner-links-listening"));
}

void LinkStage::start_unreachable_worker() {
  // (nothing leads there from pods)
  start_connected_worker(link_settings());
}

void LinkStage::kill_worker() {
  worker_->process().signal(SIGKILL);
  ASSERT_TRUE(worker_->process().wait(10s));
  ASSERT_TRUE(eventually([this] { return connections_ == 0; }));
}

std::string LinkStage::readings() {
  auto [status, text] = worker_->get("/metrics");
  EXPECT_EQ(status, 200);
  const std::string name = "\ncuttle_pod_log_readings_total ";
  auto at = text.find(name);
  if (at == std::string::npos)
    return "no such metric";
  at += name.size();
  return text.substr(at, text.find('\n', at) - at);
}

long LinkStage::peak_memory() {
  std::ifstream in{"/proc/" + std::to_string(worker_->process().id())
                   + "/status"};
  for (std::string word; in >> word;)
    if (word == "VmHWM:") {
      auto result = 0L;
      in >> result;
      return result;
    }
  return -1;
}

crypto::log_key LinkStage::key_of(const running_script& script) const {
  std::ifstream in{home_ / "Work" / script.ticket.task_id / "keyfile"};
  std::string text;
  in >> text;
  crypto::log_key result;
  auto key = crypto::from_base64(text);
  if (!key || key->size() != result.value.size())
    ADD_FAILURE() << "the workspace has no key";
  else
    std::copy(key->begin(), key->end(), result.value.begin());
  return result;
}

std::string LinkStage::burst(long count) {
  return "seq -f '%.0f "
         "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"
         "abcdefghijklmnopqrstuvwxyzabcdefghijklmn' 1 "
         + std::to_string(count);
}

} // namespace cuttle::test
