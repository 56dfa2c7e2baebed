#pragma once

#include <string>
#include <string_view>

#include "infra/crypto/cipher.hpp"

namespace cuttle::crypto {

/// Appends a code point as UTF-8; U+FFFD for surrogates and what is beyond
/// U+10FFFF.
void append_utf8(std::string& out, char32_t code_point);

/// Whether a text is well-formed UTF-8. NUL is allowed.
bool valid_utf8(std::string_view text);

/// Makes a text well-formed: each maximal ill-formed part becomes one U+FFFD,
/// as .NET and web browsers do it, so a run of `FF` bytes becomes as many
/// replacement characters.
std::string sanitise_utf8(std::string_view text);

/// Reads bytes as a text file: a leading byte order mark (UTF-8, UTF-16 or
/// UTF-32) selects the encoding and is dropped, without one it is UTF-8. What
/// is ill-formed becomes U+FFFD.
std::string decode_text(byte_span contents);

} // namespace cuttle::crypto
