#include "infra/workspace/safe_name.hpp"

namespace cuttle::workspace {

outcome<std::vector<std::string>> safe_parts(std::string_view name) {
  constexpr std::size_t longest_part = 255;
  constexpr std::size_t longest_name = 4000;
  constexpr std::size_t longest_quote = 200;
  auto refuse = [&](const char* why) {
    return fail(errc::invalid_request,
                "The file name '" + std::string{name.substr(0, longest_quote)}
                  + "' is refused: " + why + ".");
  };
  if (name.find('\0') != std::string_view::npos)
    return fail(errc::invalid_request,
                "A file name with a NUL character is refused.");
  if (name.size() > longest_name)
    return refuse("it is too long");
  if (!name.empty() && name.front() == '/')
    return refuse("it is absolute, and has to be below the workspace");
  std::vector<std::string> result;
  for (auto rest = name;;) {
    auto end = rest.find('/');
    auto part = rest.substr(0, end);
    if (part == "..")
      return refuse("it leaves the workspace");
    if (part.size() > longest_part)
      return refuse("it is too long");
    auto last = end == std::string_view::npos;
    if (!part.empty() && part != ".")
      result.emplace_back(part);
    else if (last)
      return refuse("it does not name a file");
    if (last)
      return result;
    rest.remove_prefix(end + 1);
  }
}

} // namespace cuttle::workspace
