#pragma once

#include <map>
#include <memory>
#include <string>

namespace cuttle::telemetry {

/// Labels of one time series.
using labels = std::map<std::string, std::string>;

/// A value that only grows. Thread-safe.
class counter {
public:
  virtual ~counter() = default;
  virtual void add(double by = 1.0) = 0;
};

/// A value that goes up and down. Thread-safe.
class gauge {
public:
  virtual ~gauge() = default;
  virtual void set(double to) = 0;
  virtual void add(double by) = 0;
};

/// Durations in seconds, in fixed buckets from 1 ms to 10 min. Thread-safe.
class histogram {
public:
  virtual ~histogram() = default;
  virtual void observe(double seconds) = 0;
};

/// All metrics of the process. The same name and labels give the same object,
/// which lives as long as the registry. A name that Prometheus does not allow,
/// or one name for two kinds, is a bug and throws `std::invalid_argument`.
/// Thread-safe.
class registry {
public:
  registry();
  ~registry();
  registry(const registry&) = delete;
  registry& operator=(const registry&) = delete;

  telemetry::counter& counter(const std::string& name, const std::string& help,
                              const labels& with = {});
  telemetry::gauge& gauge(const std::string& name, const std::string& help,
                          const labels& with = {});
  telemetry::histogram& histogram(const std::string& name,
                                  const std::string& help,
                                  const labels& with = {});

  /// The Prometheus text format, version 0.0.4.
  std::string render() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace cuttle::telemetry
