#include "infra/octopus/mistake.hpp"

#include "infra/crypto/text_encoding.hpp"

namespace cuttle::octopus {

bool worth_waiting(mistake x) {
  switch (x) {
  case mistake::dns:
  case mistake::tcp_refused:
  case mistake::connect_timeout:
  case mistake::unreachable:
  case mistake::no_answer:
  case mistake::connection_cut:
  case mistake::proxy_unreachable:
  case mistake::server_busy:
  case mistake::server_broken:
  case mistake::comms_unreachable:
  case mistake::cluster_unreachable:
    return true;
  default:
    return false;
  }
}

std::string one_line(std::string_view text, std::size_t limit) {
  auto cut = text.size() > limit;
  // What is cut in the middle of a character becomes a replacement character.
  auto clean = crypto::sanitise_utf8(text.substr(0, limit));
  std::string result;
  for (char c : clean) {
    auto control = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    if (!control)
      result += c;
    else if (!result.empty() && result.back() != ' ')
      result += ' ';
  }
  while (!result.empty() && result.back() == ' ')
    result.pop_back();
  if (cut)
    result += "…";
  return result;
}

std::string listed(const std::vector<std::string>& names, std::size_t limit) {
  if (names.empty())
    return "none";
  std::string result;
  auto shown = std::min(names.size(), limit);
  for (std::size_t i = 0; i < shown; ++i) {
    auto last = i + 1 == names.size();
    if (i > 0)
      result += last ? " and " : ", ";
    result += '\'' + one_line(names[i], 80) + '\'';
  }
  if (shown < names.size())
    result += " and " + std::to_string(names.size() - shown) + " more";
  return result;
}

} // namespace cuttle::octopus
