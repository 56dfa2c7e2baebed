#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "infra/load/played_link.hpp"

namespace cuttle {

/// The links of played runners: the real runner's own code, thousands of them
/// on one thread. Thread-safe; its links have to go before it.
class bench_links {
public:
  /// `on_confirmed` hears, on the links' thread, how long the newest of some
  /// lines took from the script to the worker and its answer back.
  explicit bench_links(
    std::function<void(std::chrono::microseconds)> on_confirmed = {});
  ~bench_links();

  bench_links(const bench_links&) = delete;
  bench_links& operator=(const bench_links&) = delete;

  /// See `load::link_dialer`.
  std::unique_ptr<load::played_link> dial(const std::string& workspace,
                                          const crypto::bytes& key);

  struct impl;

private:
  std::shared_ptr<impl> impl_;
};

} // namespace cuttle
