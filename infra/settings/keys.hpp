#pragma once

namespace cuttle::settings {

// Keys of the config map and of the secret (`worker-behaviour` 2.3, 2.6).

inline constexpr auto key_registered = "Tentacle.Services.IsRegistered";
inline constexpr auto key_servers
  = "Tentacle.Communication.TrustedOctopusServers";
inline constexpr auto key_connections
  = "Tentacle.Communication.PollingConnectionCount";
inline constexpr auto key_certificate = "Tentacle.Certificate";
inline constexpr auto key_thumbprint = "Tentacle.CertificateThumbprint";
inline constexpr auto key_proxy_host = "Octopus.Server.Proxy.ProxyHost";
inline constexpr auto key_proxy_port = "Octopus.Server.Proxy.ProxyPort";
inline constexpr auto key_proxy_username = "Octopus.Server.Proxy.ProxyUsername";
inline constexpr auto key_proxy_password = "Octopus.Server.Proxy.ProxyPassword";
inline constexpr auto key_machine_key = "machine-key";
inline constexpr auto key_machine_iv = "machine-iv";

} // namespace cuttle::settings
