#include "infra/telemetry/metrics.hpp"

#include <cmath>
#include <mutex>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <stdexcept>
#include <utility>

namespace cuttle::telemetry {

namespace {

// Seconds. Steps of about 2.5 from the time of a status answer from memory to
// the time of a slow image pull.
const prometheus::Histogram::BucketBoundaries duration_buckets{
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5,
  1.0,   2.5,    5.0,   10.0, 30.0,  60.0, 120, 300,  600};

class counter_impl final : public counter {
public:
  explicit counter_impl(prometheus::Counter& to) : to_(to) {}

  void add(double by) override {
    // A counter that shrinks or becomes NaN breaks every rate() over it.
    if (by > 0 && std::isfinite(by))
      to_.Increment(by);
  }

private:
  prometheus::Counter& to_;
};

class gauge_impl final : public gauge {
public:
  explicit gauge_impl(prometheus::Gauge& to) : to_(to) {}

  void set(double to) override {
    to_.Set(to);
  }

  void add(double by) override {
    to_.Increment(by);
  }

private:
  prometheus::Gauge& to_;
};

class histogram_impl final : public histogram {
public:
  explicit histogram_impl(prometheus::Histogram& to) : to_(to) {}

  void observe(double seconds) override {
    if (!std::isnan(seconds))
      to_.Observe(seconds < 0 ? 0 : seconds);
  }

private:
  prometheus::Histogram& to_;
};

// All time series of one kind, by name and labels.
template <class Interface, class Impl, class Metric>
class series {
public:
  template <class Build, class Make>
  Interface& get(const std::string& name, const labels& with, Build build,
                 Make make) {
    auto key = std::make_pair(name, with);
    if (auto i = made_.find(key); i != made_.end())
      return *i->second;
    auto family = families_.find(name);
    if (family == families_.end())
      family = families_.emplace(name, &build()).first;
    auto& metric = make(*family->second);
    auto made = std::make_unique<Impl>(metric);
    return *made_.emplace(std::move(key), std::move(made)).first->second;
  }

  bool has(const std::string& name) const {
    return families_.count(name) > 0;
  }

private:
  std::map<std::string, prometheus::Family<Metric>*> families_;
  std::map<std::pair<std::string, labels>, std::unique_ptr<Impl>> made_;
};

} // namespace

struct registry::impl {
  mutable std::mutex mutex;
  prometheus::Registry all;
  series<telemetry::counter, counter_impl, prometheus::Counter> counters;
  series<telemetry::gauge, gauge_impl, prometheus::Gauge> gauges;
  series<telemetry::histogram, histogram_impl, prometheus::Histogram>
    histograms;

  // One name is one kind; Prometheus refuses a page that has it twice.
  void need_kind(const std::string& name, bool other_kind) const {
    if (other_kind)
      throw std::invalid_argument("The metric " + name
                                  + " already exists with another kind.");
  }
};

registry::registry() : impl_(std::make_unique<impl>()) {}

registry::~registry() = default;

counter& registry::counter(const std::string& name, const std::string& help,
                           const labels& with) {
  std::lock_guard lock{impl_->mutex};
  impl_->need_kind(name,
                   impl_->gauges.has(name) || impl_->histograms.has(name));
  return impl_->counters.get(
    name, with,
    [&]() -> auto& {
      return prometheus::BuildCounter().Name(name).Help(help).Register(
        impl_->all);
    },
    [&](auto& family) -> auto& { return family.Add(with); });
}

gauge& registry::gauge(const std::string& name, const std::string& help,
                       const labels& with) {
  std::lock_guard lock{impl_->mutex};
  impl_->need_kind(name,
                   impl_->counters.has(name) || impl_->histograms.has(name));
  return impl_->gauges.get(
    name, with,
    [&]() -> auto& {
      return prometheus::BuildGauge().Name(name).Help(help).Register(
        impl_->all);
    },
    [&](auto& family) -> auto& { return family.Add(with); });
}

histogram& registry::histogram(const std::string& name, const std::string& help,
                               const labels& with) {
  std::lock_guard lock{impl_->mutex};
  impl_->need_kind(name, impl_->counters.has(name) || impl_->gauges.has(name));
  return impl_->histograms.get(
    name, with,
    [&]() -> auto& {
      return prometheus::BuildHistogram().Name(name).Help(help).Register(
        impl_->all);
    },
    [&](auto& family) -> auto& { return family.Add(with, duration_buckets); });
}

std::string registry::render() const {
  return prometheus::TextSerializer{}.Serialize(impl_->all.Collect());
}

} // namespace cuttle::telemetry
