#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cuttle::kubernetes {

/// The 20 raw bytes of the SHA-1 of `bytes`. Used for names and labels only,
/// never to protect anything [POD-04], [SEC-02].
std::string sha1(std::string_view bytes);

/// Upper-case hexadecimal digits of `bytes`.
std::string upper_hex(std::string_view bytes);

/// Base64 with padding, without line ends.
std::string base64(std::string_view bytes);

/// The bytes of a base64 text with padding; nothing when it is malformed.
std::optional<std::string> base64_decoded(std::string_view text);

} // namespace cuttle::kubernetes
