#include "infra/kubernetes/shell.hpp"

namespace cuttle::kubernetes {

std::string shell_word(std::string_view text) {
  std::string result = "'";
  for (auto c : text) {
    if (c == '\'')
      result += "'\\''";
    else
      result += c;
  }
  return result += '\'';
}

std::string kubernetes_literal(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    result += text[i];
    auto next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (text[i] == '$' && (next == '$' || next == '('))
      result += '$';
  }
  return result;
}

} // namespace cuttle::kubernetes
