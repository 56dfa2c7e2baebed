#include <cstdlib>

#include "infra/kubernetes/api_client.hpp"
#include "infra/kubernetes/files.hpp"

namespace cuttle::kubernetes {

outcome<access> in_cluster_access(const std::filesystem::path& root) {
  auto host = std::getenv("KUBERNETES_SERVICE_HOST");
  auto port = std::getenv("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || *host == '\0' || port == nullptr || *port == '\0')
    return fail(errc::not_found,
                "Not inside a cluster: KUBERNETES_SERVICE_HOST and "
                "KUBERNETES_SERVICE_PORT are not set.");
  auto ca = read_small_file(root / "ca.crt");
  if (!ca)
    return tl::unexpected{ca.error()};
  auto name = read_small_file(root / "namespace", 4096);
  if (!name)
    return tl::unexpected{name.error()};
  auto token = read_small_file(root / "token");
  if (!token)
    return tl::unexpected{token.error()};
  if (trimmed(*token).empty())
    return fail(errc::io_error,
                "'" + (root / "token").string() + "' holds no token.");
  access result;
  std::string address = host;
  if (address.find(':') != std::string::npos)
    address = '[' + address + ']';
  result.server = "https://" + address + ':' + port;
  result.namespace_name = trimmed(*name);
  result.ca_pem = std::move(*ca);
  result.token_file = root / "token";
  return result;
}

} // namespace cuttle::kubernetes
