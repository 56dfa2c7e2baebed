// What a peer says before and between messages: preamble, identity, control
// lines, data-stream headers, and the answer of a proxy.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

#include "infra/halibut/control_line.hpp"
#include "infra/halibut/data_stream.hpp"
#include "infra/halibut/preamble.hpp"
#include "infra/halibut/proxy.hpp"

using namespace cuttle;
using namespace cuttle::halibut;

namespace {

using bytes = std::span<const std::uint8_t>;

void require(bool x) {
  if (!x)
    std::abort();
}

/// Feeds in pieces of at most `step`; returns what was taken, -1 after a
/// failure.
template <class Reader>
std::ptrdiff_t feed(Reader& reader, bytes input, std::size_t step) {
  std::ptrdiff_t taken = 0;
  while (!input.empty() && !reader.done()) {
    auto piece = input.first(std::min(step, input.size()));
    auto result = reader.feed(piece);
    if (!result)
      return -1;
    require(*result <= piece.size());
    require(*result == piece.size() || reader.done());
    taken += static_cast<std::ptrdiff_t>(*result);
    input = input.subspan(*result);
  }
  return taken;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  bytes input{data, size};
  preamble_reader whole_preamble{200};
  preamble_reader pieces_preamble{200};
  require(feed(whole_preamble, input, 1'000'000)
          == feed(pieces_preamble, input, 3));
  require(whole_preamble.done() == pieces_preamble.done());
  require(whole_preamble.is_halibut() == pieces_preamble.is_halibut());
  line_reader whole{100};
  line_reader pieces{100};
  auto taken = feed(whole, input, 1'000'000);
  require(taken == feed(pieces, input, 1));
  require(whole.line() == pieces.line());
  require(whole.line().size() <= 100);
  if (whole.done()) {
    auto identity = parse_identity(whole.line());
    if (identity && identity->role == peer_role::subscriber) {
      // What was read can be written and read again.
      auto again = format_identity(*identity);
      again.resize(again.size() - 4);
      require(parse_identity(again)->subscription == identity->subscription);
    }
  }
  std::string_view text{reinterpret_cast<const char*>(data), size};
  (void)check_connect_answer(text);
  require(printable(text).size() <= 63);
  if (size >= stream_header_bytes) {
    stream_placeholder expected;
    std::copy_n(data, expected.id.size(), expected.id.begin());
    expected.length = 5;
    stream_ledger ledger{{expected}, {}};
    auto opened = ledger.open(input.first<stream_header_bytes>());
    if (opened) {
      require(opened->length == 5);
      (void)stream_ledger::close(*opened, input.last<stream_trailer_bytes>());
    }
  }
  return 0;
}
