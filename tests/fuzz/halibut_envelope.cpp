// Documents: the scan, and requests and responses in both roles.

#include <cstdint>
#include <cstdlib>
#include <span>

#include "infra/halibut/bson_scan.hpp"
#include "infra/halibut/envelope.hpp"

using namespace cuttle;
using namespace cuttle::halibut;

namespace {

void require(bool x) {
  if (!x)
    std::abort();
}

std::vector<std::pair<guid, outgoing_stream>>
streams_for(const std::vector<stream_placeholder>& placeholders) {
  std::vector<std::pair<guid, outgoing_stream>> result;
  for (auto& x : placeholders) {
    auto stream = std::make_shared<stream_source>();
    stream->length = x.length;
    result.emplace_back(x.id, stream);
  }
  return result;
}

/// What was read as a request can be written and read again. The streams are
/// those of the parameters only.
void repeat(const decoded_request& x, const halibut::limits& limits) {
  auto inner = scan_document(x.request.params, limits);
  require(inner.has_value());
  outgoing_request request;
  request.service = x.request.service;
  request.method = x.request.method;
  request.params = x.request.params;
  request.streams = streams_for(*inner);
  auto encoded
    = encode_request(request, {x.request.id, {}, "poll://x/", "AB"}, limits);
  require(encoded.has_value());
  auto again = decode_request(*encoded, limits);
  require(again && again->request.id == x.request.id
          && again->request.service == x.request.service
          && again->request.method == x.request.method
          && again->request.params == x.request.params
          && again->placeholders == *inner);
}

void repeat(const decoded_response& x, const halibut::limits& limits) {
  rpc_response response;
  response.id = x.response.id;
  response.error = x.response.error;
  response.result = x.response.result;
  if (!response.result.empty()) {
    auto inner = scan_document(response.result, limits);
    require(inner.has_value());
    response.streams = streams_for(*inner);
  }
  auto encoded = encode_response(response, limits);
  require(encoded.has_value());
  auto again = decode_response(*encoded, limits);
  require(again && again->response.id == x.response.id
          && again->response.result == x.response.result
          && again->response.error.has_value() == x.response.error.has_value());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  halibut::limits limits;
  std::span<const std::uint8_t> document{data, size};
  auto request = decode_request(document, limits);
  if (request && !request->null)
    repeat(*request, limits);
  auto response = decode_response(document, limits);
  if (response)
    repeat(*response, limits);
  return 0;
}
