#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "infra/halibut/data_stream.hpp"
#include "infra/halibut/limits.hpp"
#include "messages/failure.hpp"

namespace cuttle::halibut {

/// Walks through a whole document without recursion: checks every length, the
/// nesting and the text, and returns the data-stream placeholders in the order
/// of the document. Whatever reads the document afterwards need not fear it.
/// Fails with `protocol_error`, or `overloaded` beyond a limit.
outcome<std::vector<stream_placeholder>>
scan_document(std::span<const std::uint8_t> document,
              const halibut::limits& limits);

} // namespace cuttle::halibut
