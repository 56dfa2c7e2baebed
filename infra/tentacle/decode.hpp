#pragma once

#include <cstddef>
#include <vector>

#include "infra/halibut/rpc.hpp"
#include "infra/tentacle/document_reader.hpp"
#include "messages/file.hpp"
#include "messages/script.hpp"

namespace cuttle::tentacle {

/// Limits of one StartScript; the transport bounds the bytes.
inline constexpr std::size_t max_files = 1'000;
inline constexpr std::size_t max_arguments = 4'096;

/// Gives out the data streams of a request. A placeholder that occurs twice
/// takes two streams, as they were transmitted (`halibut` 12).
class stream_resolver {
public:
  explicit stream_resolver(const halibut::rpc_request& request);

  /// The stream of a placeholder; a mismatch if none came with the request.
  received_stream resolve(const element& placeholder);

private:
  const halibut::rpc_request& request_;
  std::vector<bool> taken_;
};

/// The single parameters of the methods. A mismatch is noted in the context of
/// the element.
start_script decode_start(const element& parameter, stream_resolver& streams);
get_status decode_status(const element& parameter);
cancel_script decode_cancel(const element& parameter);
complete_script decode_complete(const element& parameter);
upload_file decode_upload(const std::vector<element>& parameters,
                          stream_resolver& streams);
download_file decode_download(const element& parameter);

} // namespace cuttle::tentacle
