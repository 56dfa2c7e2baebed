#include "tests/program/stage.hpp"

#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <unistd.h>

namespace cuttle::test {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

// -- running_script ---------------------------------------------------------

void running_script::add(const std::vector<output_line>& lines,
                         process_state state) {
  std::lock_guard lock{mutex_};
  state_ = state;
  for (auto& line : lines)
    texts_.push_back(line.text);
  changed_.notify_all();
}

void running_script::end(const sim::script_result& result) {
  std::lock_guard lock{mutex_};
  result_ = result;
  changed_.notify_all();
}

sim::script_result running_script::wait(std::chrono::seconds limit) {
  std::unique_lock lock{mutex_};
  if (!changed_.wait_for(lock, limit, [&] { return result_.has_value(); })) {
    ADD_FAILURE() << "the script has not ended in time";
    return {};
  }
  return *result_;
}

bool running_script::contains(const std::string& text) const {
  for (auto& x : texts_)
    if (x.find(text) != std::string::npos)
      return true;
  return false;
}

bool running_script::ended() {
  std::lock_guard lock{mutex_};
  return result_.has_value();
}

bool running_script::complete() {
  std::lock_guard lock{mutex_};
  return state_ == process_state::complete || result_.has_value();
}

bool running_script::has(const std::string& text) {
  std::lock_guard lock{mutex_};
  return contains(text);
}

bool running_script::sees(const std::string& text, std::chrono::seconds limit) {
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, limit,
                    [&] { return result_.has_value() || contains(text); });
  return contains(text);
}

bool running_script::sees_at_least(std::size_t lines,
                                   std::chrono::seconds limit) {
  std::unique_lock lock{mutex_};
  auto there = [&] { return texts_.size() >= lines; };
  changed_.wait_for(lock, limit,
                    [&] { return result_.has_value() || there(); });
  return there();
}

// -- own_lines --------------------------------------------------------------

bool own_lines::operator()(const output_line& line) {
  if (line.text.starts_with("##octopus[stdout-")) {
    marked_ = line.text != "##octopus[stdout-default]";
    return false;
  }
  return !marked_ && !line.text.starts_with("##octopus")
         && !line.text.starts_with("[POD EVENT]")
         && !line.text.starts_with("Kubernetes Script Pod ");
}

// -- Stage ------------------------------------------------------------------

void Stage::SetUp() {
  auto pattern = (fs::temp_directory_path() / "cuttle-e2e-XXXXXX").string();
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  folder_ = pattern;
  // Pods run as any user and have to pass through.
  fs::permissions(folder_, fs::perms::owner_all | fs::perms::group_exec
                             | fs::perms::others_exec);
  home_ = folder_ / "home";
  fs::create_directory(home_);
  fs::permissions(home_, fs::perms::all);
  std::string reason;
  cluster_ = make_test_cluster(home_, folder_, reason);
  if (!cluster_)
    GTEST_SKIP() << reason;
  auto identity = crypto::identity::generate("Octopus Server");
  ASSERT_TRUE(identity) << identity.error().text;
  server_identity_ = *identity;
  worker_identity_ = *crypto::identity::generate();
  sim::octopus_server::options options;
  options.spool = folder_ / "server-spool";
  fs::create_directory(options.spool);
  options.poll_ceiling = poll_ceiling_;
  options.on_worker = [this](const std::string&, bool connected) {
    connections_ += connected ? 1 : -1;
  };
  subscription_ = sim::make_subscription();
  server_ = std::make_unique<sim::octopus_server>(links_, disk_, *identity,
                                                  std::move(options));
  auto port = server_->start();
  ASSERT_TRUE(port) << port.error().text;
  port_ = *port;
  server_->transport().trust(worker_identity_.thumbprint());
  store_settings({own_server()});
}

void EmbeddedStage::SetUp() {
  Stage::SetUp();
  if (IsSkipped() || HasFatalFailure())
    return;
  if (!embedded())
    GTEST_SKIP() << "played by the embedded cluster";
  prepare();
}

void Stage::TearDown() {
  if (HasFailure() && worker_)
    std::fprintf(stderr, "--- log of the worker ---\n%s\n",
                 worker_->process().output().c_str());
  worker_.reset();
  if (server_)
    server_->stop();
  cluster_.reset();
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

settings::trusted_server Stage::own_server() const {
  settings::trusted_server result;
  result.thumbprint = server_->thumbprint();
  result.host = "127.0.0.1";
  result.port = port_;
  result.subscription = subscription_;
  return result;
}

void Stage::store_settings(
  const std::vector<settings::trusted_server>& servers) {
  auto keys = settings::new_machine_keys();
  auto bytes
    = [&](const char* name) { return crypto::as_bytes(keys.at(name)); };
  auto config = settings::identity_entries(
    worker_identity_, bytes("machine-key"), bytes("machine-iv"));
  config["Tentacle.Services.IsRegistered"] = "true";
  config["Tentacle.Communication.TrustedOctopusServers"]
    = settings::trusted_servers_json(servers);
  cluster_->store(config, keys);
}

void Stage::start_worker(const std::map<std::string, std::string>& more) {
  worker_ = std::make_unique<worker_program>(*cluster_, home_,
                                             folder_ / "worker.log", more);
}

void Stage::start_connected_worker(
  const std::map<std::string, std::string>& more) {
  start_worker(more);
  ASSERT_TRUE(eventually([this] { return connections_ > 0; }))
    << "no connection; log of the worker:\n"
    << worker_->process().output();
}

running_script_ptr Stage::start(start_script command) {
  auto script = std::make_shared<running_script>();
  if (command.ticket.task_id.empty())
    command.ticket = sim::make_ticket();
  if (command.task_id.empty())
    command.task_id = "ServerTasks-1";
  script->ticket = command.ticket;
  sim::script_observer observer;
  observer.on_lines
    = [script](const std::vector<output_line>& lines, process_state state) {
        script->add(lines, state);
      };
  observer.on_end
    = [script](const sim::script_result& result) { script->end(result); };
  server_->run(subscription_, std::move(command), std::move(observer));
  return script;
}

running_script_ptr Stage::start(const std::string& body,
                                std::vector<std::string> arguments) {
  start_script command;
  command.script_body = body;
  command.arguments = std::move(arguments);
  return start(std::move(command));
}

sim::script_result Stage::run(const std::string& body,
                              std::vector<std::string> arguments) {
  return start(body, std::move(arguments))->wait();
}

std::vector<std::string> Stage::texts(const sim::script_result& result,
                                      output_source source) {
  std::vector<std::string> lines;
  own_lines own;
  for (auto& line : result.lines)
    if (own(line) && line.source == source)
      lines.push_back(line.text);
  return lines;
}

bool Stage::has_line(const sim::script_result& result,
                     const std::string& part) {
  for (auto& line : result.lines)
    if (line.text.find(part) != std::string::npos)
      return true;
  return false;
}

} // namespace cuttle::test
