#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cuttle::kubernetes {

/// `text` as a single line: each run of line ends becomes one blank, blanks at
/// both ends go. Cut to `limit` bytes at a border of characters.
std::string one_line(std::string_view text, std::size_t limit = 1024);

/// `one_line` with a full stop at its end; empty stays empty.
std::string sentence(std::string_view text);

} // namespace cuttle::kubernetes
