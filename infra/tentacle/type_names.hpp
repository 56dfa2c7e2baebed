#pragma once

#include <string_view>

namespace cuttle::tentacle {

// Service and type names of the wire (`tentacle-services` 1 and 2).

inline constexpr std::string_view capabilities_service
  = "ICapabilitiesServiceV2";
inline constexpr std::string_view script_service = "IKubernetesScriptServiceV1";
inline constexpr std::string_view file_service = "IFileTransferService";

inline constexpr std::string_view capabilities_type
  = "Octopus.Tentacle.Contracts.Capabilities.CapabilitiesResponseV2, "
    "Octopus.Tentacle.Contracts";
inline constexpr std::string_view start_type
  = "Octopus.Tentacle.Contracts.KubernetesScriptServiceV1."
    "StartKubernetesScriptCommandV1, Octopus.Tentacle.Contracts";
inline constexpr std::string_view status_request_type
  = "Octopus.Tentacle.Contracts.KubernetesScriptServiceV1."
    "KubernetesScriptStatusRequestV1, Octopus.Tentacle.Contracts";
inline constexpr std::string_view status_response_type
  = "Octopus.Tentacle.Contracts.KubernetesScriptServiceV1."
    "KubernetesScriptStatusResponseV1, Octopus.Tentacle.Contracts";
inline constexpr std::string_view cancel_type
  = "Octopus.Tentacle.Contracts.KubernetesScriptServiceV1."
    "CancelKubernetesScriptCommandV1, Octopus.Tentacle.Contracts";
inline constexpr std::string_view complete_type
  = "Octopus.Tentacle.Contracts.KubernetesScriptServiceV1."
    "CompleteKubernetesScriptCommandV1, Octopus.Tentacle.Contracts";
inline constexpr std::string_view data_stream_type
  = "Halibut.DataStream, Halibut";

/// What is written for the result of an upload: the name from before a rename
/// (`halibut` 10.5).
inline constexpr std::string_view upload_type
  = "Octopus.Shared.Contracts.UploadResult, Octopus.Shared";

/// What is read for it as well.
inline constexpr std::string_view upload_type_renamed
  = "Octopus.Tentacle.Contracts.UploadResult, Octopus.Tentacle.Contracts";

} // namespace cuttle::tentacle
