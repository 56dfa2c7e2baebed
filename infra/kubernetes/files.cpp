#include "infra/kubernetes/files.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

namespace cuttle::kubernetes {

outcome<std::string> read_small_file(const std::filesystem::path& file,
                                     std::size_t limit_bytes) {
  std::error_code error;
  if (std::filesystem::is_directory(file, error))
    return fail(errc::io_error, "'" + file.string() + "' is a folder.");
  errno = 0;
  std::ifstream in{file, std::ios::binary};
  if (!in)
    return fail(errc::io_error, "Cannot read '" + file.string()
                                  + "': " + std::strerror(errno) + '.');
  std::string result(limit_bytes + 1, '\0');
  in.read(result.data(), static_cast<std::streamsize>(result.size()));
  if (in.bad())
    return fail(errc::io_error, "Cannot read '" + file.string() + "'.");
  result.resize(static_cast<size_t>(in.gcount()));
  if (result.size() > limit_bytes)
    return fail(errc::io_error, "'" + file.string() + "' is larger than "
                                  + std::to_string(limit_bytes) + " bytes.");
  return result;
}

std::string trimmed(const std::string& text) {
  constexpr auto space = " \t\r\n";
  auto begin = text.find_first_not_of(space);
  if (begin == std::string::npos)
    return {};
  return text.substr(begin, text.find_last_not_of(space) - begin + 1);
}

} // namespace cuttle::kubernetes
