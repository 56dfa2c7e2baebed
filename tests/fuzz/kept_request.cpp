// Requests that wait on the volume, as they are once they are decrypted: any
// text is refused or becomes a request that is written again as it was read.

#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "infra/workspace/request_file.hpp"

using namespace cuttle;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  auto found
    = workspace::decode_request({reinterpret_cast<const char*>(data), size});
  if (!found) {
    if (found.error().text.empty())
      std::abort();
    return 0;
  }
  auto text = workspace::encode_request(*found->command, found->since);
  auto again = workspace::decode_request(text);
  if (!again
      || workspace::encode_request(*again->command, again->since) != text)
    std::abort();
  return 0;
}
