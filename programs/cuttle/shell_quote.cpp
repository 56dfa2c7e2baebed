#include "programs/cuttle/shell_quote.hpp"

#include <cstdio>

namespace cuttle {

namespace {

bool plain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
         || (c >= 'A' && c <= 'Z')
         || std::string_view{"-_./:=@%+,"}.find(c) != std::string_view::npos;
}

} // namespace

std::string bash_quoted(std::string_view text) {
  auto easy = !text.empty();
  for (char c : text)
    easy = easy && plain(c);
  if (easy)
    return std::string{text};
  std::string result = "'";
  for (char c : text)
    if (c == '\'')
      result += "'\\''";
    else
      result += c;
  return result + "'";
}

std::string powershell_quoted(std::string_view text) {
  std::string result = "'";
  for (std::size_t i = 0; i < text.size(); ++i) {
    // U+2018 to U+201B in UTF-8.
    auto typographic = text.substr(i).starts_with("\xE2\x80")
                       && i + 2 < text.size() && text[i + 2] >= '\x98'
                       && text[i + 2] <= '\x9B';
    if (typographic) {
      result += text.substr(i, 3);
      result += text.substr(i, 3);
      i += 2;
    } else {
      result += text[i];
      if (text[i] == '\'')
        result += '\'';
    }
  }
  return result + "'";
}

std::string helm_escaped(std::string_view text) {
  std::string result;
  for (char c : text) {
    if (std::string_view{"\\,{}"}.find(c) != std::string_view::npos)
      result += '\\';
    result += c;
  }
  return result;
}

std::string hcl_quoted(std::string_view text) {
  std::string result = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    auto template_start
      = (c == '$' || c == '%') && i + 1 < text.size() && text[i + 1] == '{';
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (c == '\n') {
      result += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof(escape), "\\u%04x", c);
      result += escape;
    } else {
      result += c;
      if (template_start)
        result += c;
    }
  }
  return result + "\"";
}

} // namespace cuttle
