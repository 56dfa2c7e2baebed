#pragma once

#include <filesystem>
#include <future>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "infra/tentacle/client.hpp"
#include "tests/interop/child_process.hpp"
#include "tests/interop/relay.hpp"
#include "tests/unit/sim_octopus/scripted_worker.hpp"

namespace cuttle::interop {

using words = std::vector<std::string>;

outgoing_stream stream_of(const std::string& bytes);
received_stream content_of(const std::string& bytes);
std::string text_of(const received_stream& stream);

/// Bytes that do not compress.
std::string noise(std::size_t size);

/// Who dials.
enum class link_mode { polling, listening };

inline std::string name_of(const testing::TestParamInfo<link_mode>& x) {
  return x.param == link_mode::polling ? "Polling" : "Listening";
}

/// Cuttle's embedded server and, behind a relay, a worker on the real library:
/// one with three connections that polls, or one that listens.
class RealWorker : public testing::TestWithParam<link_mode> {
protected:
  static bool polls() {
    return GetParam() == link_mode::polling;
  }

  void SetUp() override;
  void TearDown() override;

  /// Starts the worker, or another one that is the same to the server.
  void start_worker(unsigned connections = 3);

  /// Makes the worker and waits until it is connected, or listens.
  void start_connected_worker(int connections = 3);

  std::future<sim::script_result> begin(start_script command);
  sim::script_result run(start_script what);
  static start_script command(const std::string& body);

  /// One call to its end.
  halibut::call_result try_call(halibut::outgoing_request request);

  /// One call that must have a response.
  halibut::received_response call(halibut::outgoing_request request);

  sim::watched<words> lines;
  sim::watched<words> troubles;
  sim::watched<int> connected;
  sim::octopus_server::options options;
  relay relay_;

private:
  void await_listening();

  sim::temporary_folder folder_;
  halibut::io_thread thread_;
  disk::disk_pool disk_{2};
  std::filesystem::path pfx_;

protected:
  /// Or the URI of a worker that listens.
  std::string subscription_ = sim::make_subscription();
  std::unique_ptr<sim::octopus_server> server_;
  std::unique_ptr<child_process> worker_;
};

} // namespace cuttle::interop
