#pragma once

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <string>

#include "infra/settings/settings.hpp"
#include "infra/sim/octopus_server.hpp"
#include "tests/program/test_cluster.hpp"
#include "tests/program/worker_program.hpp"

namespace cuttle::test {

/// One script that runs on the stage.
class running_script {
public:
  script_ticket ticket;

  /// The result; fails the test when there is none in time.
  sim::script_result wait(std::chrono::seconds limit
                          = std::chrono::seconds{90});

  bool ended();

  /// Whether the server knows the end, and completes the script next.
  bool complete();

  /// Whether that line has come.
  bool has(const std::string& text);

  /// Waits for a line.
  bool sees(const std::string& text,
            std::chrono::seconds limit = std::chrono::seconds{60});

  /// Waits until that many lines have come.
  bool sees_at_least(std::size_t lines,
                     std::chrono::seconds limit = std::chrono::seconds{60});

  // Called on the links' thread.
  void add(const std::vector<output_line>& lines, process_state state);
  void end(const sim::script_result& result);

private:
  bool contains(const std::string& text) const;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> texts_;
  process_state state_ = process_state::pending;
  std::optional<sim::script_result> result_;
};

using running_script_ptr = std::shared_ptr<running_script>;

/// Tells a script's own lines from what the worker says between them. Takes the
/// lines in their order.
class own_lines {
public:
  bool operator()(const output_line& line);

private:
  // Between such markers and the default one are words of the worker.
  bool marked_ = false;
};

/// Server, cluster and worker, three parties over real sockets. A test starts
/// the worker itself, so that it can prepare trouble first.
class Stage : public ::testing::Test {
protected:
  void SetUp() override;
  void TearDown() override;

  /// Starts `cuttle run`; an earlier one must have ended.
  void start_worker(const std::map<std::string, std::string>& more = {});

  /// Starts the worker and waits until a connection is identified.
  void start_connected_worker(const std::map<std::string, std::string>& more
                              = {});

  running_script_ptr start(start_script command);
  running_script_ptr start(const std::string& body,
                           std::vector<std::string> arguments = {});

  /// Runs a script to its end.
  sim::script_result run(const std::string& body,
                         std::vector<std::string> arguments = {});

  /// Writes the config map with these servers instead of the stage's own.
  void store_settings(const std::vector<settings::trusted_server>& servers);

  settings::trusted_server own_server() const;

  /// What the script itself printed on a stream, in order.
  static std::vector<std::string> texts(const sim::script_result& result,
                                        output_source source
                                        = output_source::out);
  static bool has_line(const sim::script_result& result,
                       const std::string& part);

  /// Null on a real cluster.
  sim::embedded_cluster* embedded() {
    return cluster_->embedded();
  }

  /// Longest pause of the server between two questions about a script; to be
  /// set before `SetUp`.
  std::chrono::milliseconds poll_ceiling_{5'000};
  std::filesystem::path folder_;
  std::filesystem::path home_;
  halibut::io_thread links_;
  disk::disk_pool disk_;
  crypto::identity server_identity_;
  crypto::identity worker_identity_;
  std::string subscription_;
  std::atomic<int> connections_ = 0;
  std::unique_ptr<sim::octopus_server> server_;
  std::uint16_t port_ = 0;
  std::unique_ptr<test_cluster> cluster_;
  std::unique_ptr<worker_program> worker_;
};

/// A stage for what only the embedded cluster can play; its tests are skipped
/// on a real one.
class EmbeddedStage : public Stage {
protected:
  void SetUp() final;

  /// What the tests need besides; not called when they are skipped.
  virtual void prepare() {}
};

} // namespace cuttle::test
