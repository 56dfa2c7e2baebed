#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "infra/kubernetes/api_client.hpp"
#include "infra/sim/octopus_server.hpp"
#include "messages/file.hpp"
#include "programs/cuttle/demo_release.hpp"
#include "programs/cuttle/demo_screen.hpp"
#include "programs/cuttle/stop_signal.hpp"

namespace cuttle {

/// Counts API calls by pod. Thread-safe.
class call_counter {
public:
  void add(const kubernetes::api_call& call);

  /// Calls that named the pod, its creation included.
  unsigned of(const std::string& pod) const;

  /// When the first of them was made.
  sim::script_result::clock::time_point first(const std::string& pod) const;

  /// All calls that belong to no pod.
  unsigned others() const;

private:
  struct entry {
    unsigned calls = 0;
    sim::script_result::clock::time_point first;
  };

  mutable std::mutex mutex_;
  std::map<std::string, entry> by_pod_;
  unsigned others_ = 0;
};

/// Plays a release on a server and shows it.
class demo_player {
public:
  demo_player(sim::octopus_server& server, std::string subscription,
              demo_screen& screen, call_counter& calls, stop_signal& stop);

  /// Uploads a file as the server does with packages; returns its path.
  outcome<uploaded_file> upload(const std::string& name,
                                const std::string& contents);

  /// Plays all stages, lanes side by side. Returns the rows of the closing
  /// table, or fewer when a signal came. `default_image` is shown for steps
  /// without an image of their own.
  std::vector<demo_row> play(const std::vector<demo_stage>& stages,
                             const std::string& default_image);

private:
  struct lane;

  void start(const std::shared_ptr<lane>& x);
  demo_row row_of(const lane& x, const std::string& default_image) const;

  sim::octopus_server& server_;
  std::string subscription_;
  demo_screen& screen_;
  call_counter& calls_;
  stop_signal& stop_;
};

} // namespace cuttle
