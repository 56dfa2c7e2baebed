#include "programs/cuttle/surroundings.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <stdexcept>
#include <unistd.h>

namespace cuttle {

namespace fs = std::filesystem;

temporary_folder::temporary_folder(const std::string& prefix) {
  auto pattern = (fs::temp_directory_path() / (prefix + "XXXXXX")).string();
  if (mkdtemp(pattern.data()) == nullptr)
    throw std::runtime_error{"no temporary folder can be made below "
                             + fs::temp_directory_path().string()};
  path_ = pattern;
  fs::permissions(path_, fs::perms::owner_all | fs::perms::group_exec
                           | fs::perms::others_exec);
}

temporary_folder::~temporary_folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::string temporary_folder::unique_name() const {
  auto name = path_.filename().string();
  name = name.substr(name.size() - 6);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return name;
}

std::optional<fs::path> find_runner_directory() {
  std::error_code ignored;
  auto program = fs::read_symlink("/proc/self/exe", ignored);
  for (auto& candidate :
       {program.parent_path() / "runner",
        program.parent_path().parent_path().parent_path() / "runner",
        fs::path{"/bootstrapRunner"}})
    if (fs::exists(candidate / "execute-bootstrapRunner.sh", ignored))
      return candidate;
  return std::nullopt;
}

} // namespace cuttle
