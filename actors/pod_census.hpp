#pragma once

#include "infra/telemetry/metrics.hpp"
#include "messages/pod.hpp"

namespace cuttle {

/// One script pod's part in the metrics of all: what it waits for or does, and
/// how long its start took. Leaves them when it goes. For one thread.
class pod_census {
public:
  explicit pod_census(telemetry::registry& metrics);
  ~pod_census();

  pod_census(const pod_census&) = delete;
  pod_census& operator=(const pod_census&) = delete;

  /// The pod was created now.
  void created(timestamp now);

  /// What is known of it now.
  void see(const pod_verdict& verdict, bool gone, timestamp now);

private:
  void move_to(telemetry::gauge* next);

  telemetry::gauge& pending_;
  telemetry::gauge& held_up_;
  telemetry::gauge& running_;
  telemetry::histogram& start_;
  /// The one that counts this pod; null: none.
  telemetry::gauge* present_ = nullptr;
  /// Until it runs.
  std::optional<timestamp> created_;
};

} // namespace cuttle
