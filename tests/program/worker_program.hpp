#pragma once

#include <memory>
#include <string>

#include "tests/program/process.hpp"
#include "tests/program/test_cluster.hpp"

namespace cuttle::test {

/// `cuttle run` as a process of its own.
class worker_program {
public:
  worker_program(test_cluster& cluster, const std::filesystem::path& home,
                 const std::filesystem::path& log,
                 const std::map<std::string, std::string>& more = {});

  test::process& process() {
    return process_;
  }

  /// Whether a line of its log begins, after time and level, with that event
  /// and contains the text.
  bool logged(const std::string& event, const std::string& text = {}) const;

  /// HTTP status and body of one of its probes.
  std::pair<long, std::string> get(const std::string& path);

private:
  test::process process_;
};

} // namespace cuttle::test
