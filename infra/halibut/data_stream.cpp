#include "infra/halibut/data_stream.hpp"

#include <algorithm>
#include <string>

#include "infra/halibut/limit_names.hpp"

namespace cuttle::halibut {

namespace {

void put_length(std::uint8_t* at, std::int64_t length) {
  auto bits = static_cast<std::uint64_t>(length);
  for (int i = 0; i < 8; ++i)
    at[i] = static_cast<std::uint8_t>(bits >> (8 * i));
}

std::int64_t get_length(const std::uint8_t* at) {
  std::uint64_t bits = 0;
  for (int i = 0; i < 8; ++i)
    bits |= std::uint64_t{at[i]} << (8 * i);
  return static_cast<std::int64_t>(bits);
}

} // namespace

std::array<std::uint8_t, stream_header_bytes>
format_stream_header(const stream_placeholder& x) {
  std::array<std::uint8_t, stream_header_bytes> result;
  std::copy(x.id.begin(), x.id.end(), result.begin());
  put_length(result.data() + 16, x.length);
  return result;
}

std::array<std::uint8_t, stream_trailer_bytes>
format_stream_trailer(std::int64_t length) {
  std::array<std::uint8_t, stream_trailer_bytes> result;
  put_length(result.data(), length);
  return result;
}

outcome<stream_placeholder>
stream_ledger::open(std::span<const std::uint8_t, stream_header_bytes> header) {
  stream_placeholder result;
  std::copy_n(header.begin(), 16, result.id.begin());
  result.length = get_length(header.data() + 16);
  if (result.length < 0)
    return fail(errc::protocol_error, "a data stream has a negative length");
  if (result.length > limit_)
    return fail(errc::overloaded,
                "a data stream of " + std::to_string(result.length)
                  + " bytes is over the limit of " + std::to_string(limit_)
                  + raised_by(raise::stream));
  auto i = std::find_if(open_.begin(), open_.end(),
                        [&](const auto& x) { return x.id == result.id; });
  if (i == open_.end())
    return fail(errc::protocol_error,
                "a data stream has an id that its message does not mention");
  if (i->length != result.length)
    return fail(errc::protocol_error, "a data stream has "
                                        + std::to_string(result.length)
                                        + " bytes where its message says "
                                        + std::to_string(i->length));
  open_.erase(i);
  return result;
}

outcome<void> stream_ledger::close(
  const stream_placeholder& stream,
  std::span<const std::uint8_t, stream_trailer_bytes> trailer) {
  if (get_length(trailer.data()) != stream.length)
    return fail(errc::protocol_error,
                "the length after a data stream is not the one before it");
  return {};
}

} // namespace cuttle::halibut
