// Requests of the services: any document that is a request becomes a call, or
// an error in the peer's shape with a text and details.

#include <cstdint>
#include <cstdlib>
#include <span>
#include <variant>

#include "infra/halibut/envelope.hpp"
#include "infra/tentacle/services.hpp"

using namespace cuttle;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  halibut::limits limits;
  auto decoded = halibut::decode_request({data, size}, limits);
  if (!decoded || decoded->null)
    return 0;
  auto& request = decoded->request;
  for (auto& x : decoded->placeholders) {
    auto body = std::make_shared<stream_body>();
    // (the bytes do not matter to a decoder)
    body->length = x.length;
    request.streams.emplace_back(x.id, std::move(body));
  }
  auto call = tentacle::decode(request);
  if (auto* error = std::get_if<halibut::server_error>(&call)) {
    if (error->message.empty())
      std::abort();
    halibut::rpc_response response;
    response.id = request.id;
    response.error = std::move(*error);
    if (!halibut::encode_response(response, limits))
      std::abort();
  }
  return 0;
}
