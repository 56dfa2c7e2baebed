#include "tests/interop/peer.hpp"

#include <cstdlib>
#include <stdexcept>

#include "tests/interop/child_process.hpp"

namespace cuttle::interop {

std::optional<std::string> peer_program() {
  auto value = std::getenv("CUTTLE_INTEROP_PEER");
  if (!value || !*value)
    return {};
  return std::string{value};
}

std::string make_identity(const std::string& role,
                          const std::filesystem::path& pfx) {
  auto output = pfx;
  output += ".txt";
  child_process maker{{"dotnet", peer_program().value(), role,
                       "--identity-only", "--cert", pfx.string()},
                      {},
                      output};
  auto code = maker.wait();
  auto text = maker.output();
  std::string mark{"\"thumbprint\":\""};
  auto begin = text.find(mark);
  if (code != 0 || begin == std::string::npos)
    throw std::runtime_error{"OctopusPeer gave no thumbprint: " + text};
  return text.substr(begin + mark.size(), 40);
}

} // namespace cuttle::interop
