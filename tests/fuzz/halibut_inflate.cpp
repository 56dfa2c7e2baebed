// The framing of messages: a raw deflate stream in pieces, under small limits.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>

#include "infra/halibut/inflater.hpp"

using namespace cuttle;
using namespace cuttle::halibut;

namespace {

void require(bool x) {
  if (!x)
    std::abort();
}

struct result {
  std::optional<bson_bytes> document;
  std::size_t taken = 0;
};

result inflate(std::span<const std::uint8_t> input, std::size_t step,
               const halibut::limits& limits) {
  inflater stream{limits};
  result x;
  while (!input.empty() && !stream.done()) {
    auto piece = input.first(std::min(step, input.size()));
    auto taken = stream.feed(piece);
    if (!taken)
      return x;
    require(*taken <= piece.size());
    x.taken += *taken;
    input = input.subspan(*taken);
  }
  if (stream.done())
    x.document = stream.take();
  return x;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  halibut::limits limits;
  limits.message_bytes = 100'000;
  auto whole = inflate({data, size}, size, limits);
  auto pieces = inflate({data, size}, 7, limits);
  require(whole.document == pieces.document);
  if (!whole.document)
    return 0;
  require(whole.taken == pieces.taken);
  require(whole.document->size() <= limits.message_bytes);
  // What was read can be written and read again, to its last byte.
  auto message = deflate_message(*whole.document);
  auto again = inflate(message, message.size(), limits);
  require(again.document == whole.document && again.taken == message.size());
  return 0;
}
