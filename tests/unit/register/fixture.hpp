#pragma once

#include <filesystem>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <string>

#include "infra/sim/embedded_cluster.hpp"
#include "infra/sim/octopus_rest.hpp"
#include "programs/cuttle/register.hpp"

namespace cuttle::test {

/// A place to register at: REST API, something that answers at the polling
/// port, and a cluster with the chart's empty config map and secret. The
/// environment is right in every respect until a test spoils it.
class Registration : public ::testing::Test {
protected:
  void SetUp() override;
  void TearDown() override;

  /// Starts the REST API; `SetUp` does it with the defaults.
  void serve(sim::octopus_rest::options options = {});

  octopus::answer<register_result> run();
  std::string mistake();

  /// The sentence of the last failure.
  std::string sentence;

  settings::environment environment() const;
  std::map<std::string, std::string> stored() const;
  void write_file(const std::string& name, const std::string& text);

  std::filesystem::path folder;
  std::filesystem::path auth;
  std::map<std::string, std::string> env;
  register_options options;
  std::unique_ptr<sim::octopus_rest> rest;
  std::unique_ptr<sim::embedded_cluster> cluster;
};

/// A TCP port of loopback that does not answer as a server should.
class bad_port {
public:
  enum class kind {
    /// Nobody listens.
    closed,
    /// Connections are never taken: the queue is full.
    full,
    /// Connections are taken and never answered.
    silent,
    /// An HTTP answer without TLS, whatever was asked.
    plain,
  };
  explicit bad_port(kind what, std::string answer = {});
  ~bad_port();
  bad_port(const bad_port&) = delete;
  bad_port& operator=(const bad_port&) = delete;

  std::uint16_t port() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace cuttle::test
