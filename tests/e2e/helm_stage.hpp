#pragma once

#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "infra/sim/octopus_rest.hpp"
#include "tests/chart/yaml_json.hpp"
#include "tests/folders.hpp"
#include "tests/program/process.hpp"
#include "tests/program/stage.hpp"

namespace cuttle::test {

/// What a command said and how it ended.
struct command_result {
  int code = -1;
  std::string text;
};

/// A namespace of a real cluster for one Helm release, the embedded server,
/// both its REST API and its polling port, behind an address that pods reach,
/// and the tools to play with all of them.
///
/// Needs, from the environment: CUTTLE_E2E_KUBECONFIG, an administrator's
/// access; CUTTLE_E2E_WORKER_IMAGE and CUTTLE_E2E_IMAGE, the images of worker
/// and scripts on the node; CUTTLE_E2E_FORWARD, a program that makes a port of
/// this machine's loopback reachable for pods (`… in PORT`, and `… stop in
/// PORT`), at the address CUTTLE_E2E_HOST; and helm. The node must see this
/// machine's files. CUTTLE_E2E_TOOLS_IMAGE, for some tests, is an image of
/// scripts that has helm and kubectl.
class HelmStage : public ::testing::Test {
protected:
  void SetUp() override;
  void TearDown() override;

  command_result kubectl(std::vector<std::string> arguments);
  command_result helm(std::vector<std::string> arguments);

  /// Any program of this machine, with the cluster's access.
  command_result run(std::vector<std::string> command);

  /// The same, which goes on until the result goes.
  std::unique_ptr<process> begin(std::vector<std::string> command);

  /// Follows the worker's pods: a line for each change, which is what became of
  /// it (`ADDED`, `MODIFIED`, `DELETED`), the pod's uid, and the state of the
  /// worker's container, as JSON.
  std::unique_ptr<process> follow_worker();

  /// Goes on with another helm, `helm` (3) or `helm4`; skips the test if there
  /// is none.
  void use_helm(const std::string& name);

  /// What `--atomic` is called in the helm in use.
  std::string atomic() const;

  /// Whether a pod gets a TCP connection to an address in two seconds. The pod
  /// must have bash and timeout.
  bool reaches(const std::string& pod, const std::string& address, int port);

  /// A pod beside those of the release, with these labels, that does nothing;
  /// returns when it runs.
  void make_pod(const std::string& name, const json& labels = json::object());

  /// The address of the only pod with these labels.
  std::string address_of(const std::string& selector);

  /// `helm install` with the values of the stage and these; fails the test if
  /// it fails.
  void install(const json& more = json::object(),
               const std::string& chart = chart_folder());

  /// A file with the objects of the chart, with the values of the stage, as
  /// `helm template` makes them; empty if it fails.
  std::string rendered();

  /// `helm upgrade` to a chart, with the values of the stage and these and no
  /// others; `extra` are more arguments.
  command_result upgrade(const std::string& chart,
                         const json& more = json::object(),
                         std::vector<std::string> extra = {});

  /// Waits until the worker has registered and is there.
  void connect();

  /// An object of the namespace, or null.
  json get(const std::string& kind, const std::string& name);
  /// Objects of the namespace, perhaps by a selector.
  json list(const std::string& kind, const std::string& selector = "");

  /// Whether a service account of the release may do that: the words after
  /// `kubectl auth can-i`.
  bool may(const std::string& account, std::vector<std::string> what);

  running_script_ptr start(const std::string& body);
  /// Starts a script; ticket and task are the stage's to give.
  running_script_ptr start(start_script command);

  /// One of the worker's metrics, read through the API server; nothing as long
  /// as there is no worker that answers.
  std::optional<double> metric(const std::string& name);

  const std::string& release() const {
    return release_;
  }

  const std::string& name_space() const {
    return namespace_;
  }

  std::filesystem::path home() const {
    return folder_ / "home";
  }

  std::string worker_image_;
  /// Two images that can run scripts; the first one is the release's.
  std::string script_image_;
  std::string other_image_;

  std::atomic<int> connections_ = 0;

  /// An image with helm and kubectl besides; empty: there is none.
  std::string tools_image_;

  /// Longest pause of the server between two questions about a script; to be
  /// set before `SetUp`.
  std::chrono::milliseconds poll_ceiling_{5'000};

  /// Whether the cluster enforces network policies; the test cluster does.
  bool policies_are_enforced_ = false;

  /// Hears every line of every script as it comes, on the server's thread.
  std::function<void(const output_line&)> on_line_;

  /// Hears of connections that come (true) and go, on the server's thread.
  std::function<void(bool)> on_connection_;

  /// For files of a test.
  std::filesystem::path folder_;

  /// The REST API, once the stage is set.
  std::unique_ptr<sim::octopus_rest> rest_;

  /// The names under which pods find the server: its address, and ports.
  std::string host_;
  std::uint16_t port_ = 0;

private:
  void start_server();
  void forward(std::uint16_t port);
  void make_namespace();
  json values() const;
  std::string values_file(const json& more);

  std::string kubeconfig_;
  std::string helm_;
  std::string forward_;
  std::string release_ = "shop";
  std::string namespace_;
  std::vector<std::uint16_t> forwarded_;
  bool made_ = false;
  int commands_ = 0;
  halibut::io_thread links_;
  disk::disk_pool disk_;
  std::mutex mutex_;
  std::string subscription_;
  std::unique_ptr<sim::octopus_server> server_;
};

} // namespace cuttle::test
