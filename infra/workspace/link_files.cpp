#include "infra/workspace/link_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "infra/runner_link/wire.hpp"
#include "infra/workspace/volume.hpp"

namespace cuttle::workspace {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t part_bytes = 64 * 1024;

using runner_link::address_file;
using runner_link::lines_file;

bool missing(int error) {
  return error == ENOENT || error == ENOTDIR || error == ELOOP;
}

} // namespace

void write_link_file(volume_call& call, int folder, const std::string& address,
                     const fs::path& shown) {
  write_file(call, folder, address_file, "1 " + address + "\n", file_mode,
             shown / address_file);
}

outcome<void> announce_link(volume_call& call, const fs::path& path,
                            const std::string& address) {
  auto number = -1;
  auto error = call.attempt(
    "open the folder", path,
    [&] {
      number
        = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
      return number;
    },
    missing);
  if (error != 0)
    return {};
  descriptor folder{number};
  write_link_file(call, folder.get(), address, path);
  return {};
}

outcome<kept_part> read_kept_lines(volume_call& call, const fs::path& path,
                                   std::uint64_t offset) {
  kept_part result;
  auto shown = path / lines_file;
  auto number = -1;
  auto error = call.attempt(
    "open", shown,
    [&] {
      number
        = ::open(shown.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
      return number;
    },
    missing);
  if (error != 0)
    return result;
  descriptor file{number};
  struct stat info;
  if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode))
    return result;
  result.bytes.resize(part_bytes);
  auto size = call("read", shown, [&] {
    return ::pread(file.get(), result.bytes.data(), result.bytes.size(),
                   static_cast<off_t>(offset));
  });
  result.bytes.resize(static_cast<std::size_t>(size));
  result.last = size == 0;
  return result;
}

} // namespace cuttle::workspace
