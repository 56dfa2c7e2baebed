#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace cuttle::test {

/// A port of this machine's loopback, reachable for pods of a real cluster at
/// the address CUTTLE_E2E_HOST, by the program CUTTLE_E2E_FORWARD (`… in PORT`,
/// and `… stop in PORT` at the end).
class port_forward {
public:
  /// Whether the environment names program and address.
  static bool possible();

  /// Address at which pods reach this machine.
  static std::string host();

  /// `folder` takes what the program prints. Fails the test if it fails.
  port_forward(std::uint16_t port, std::filesystem::path folder);
  ~port_forward();
  port_forward(const port_forward&) = delete;
  port_forward& operator=(const port_forward&) = delete;

private:
  bool run(std::vector<std::string> words);

  std::uint16_t port_;
  std::filesystem::path folder_;
};

/// A port of loopback that was free a moment ago; for what has to come back at
/// the same port.
std::uint16_t unused_port();

} // namespace cuttle::test
