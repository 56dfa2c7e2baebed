#pragma once

#include <string>
#include <string_view>

namespace cuttle {

// Texts that come from people, for languages in which a wrong quote runs code.
// None of them may hold NUL.

/// One word of bash or sh. Plain words stay as they are.
std::string bash_quoted(std::string_view text);

/// One expression of PowerShell, of any version, always in single quotes.
/// PowerShell takes typographic quotes for quotes as well.
std::string powershell_quoted(std::string_view text);

/// A value inside of Helm's `--set-string name=value`: commas, backslashes and
/// braces are escaped, so that it is one text whatever it holds.
std::string helm_escaped(std::string_view text);

/// A string of Terraform's language, with its quotes; `${` and `%{` stay text.
std::string hcl_quoted(std::string_view text);

} // namespace cuttle
