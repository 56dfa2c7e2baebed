#pragma once

#include <filesystem>
#include <mutex>
#include <string>
#include <sys/stat.h>
#include <vector>

#include "infra/workspace/volume.hpp"

namespace cuttle::workspace {

/// The runner and its entry script in each workspace [WS-04]: hard links to one
/// copy on the volume below `<home>/.cuttle/runner/`, named after its content,
/// or copies where the file system has no links. A copy that somebody changed,
/// size, time or mode, is made anew. Thread-safe.
class runner_files {
public:
  runner_files(std::filesystem::path source, std::filesystem::path cache);

  /// Puts every top-level file of the source folder into the open folder
  /// `target`; files of those names there are replaced.
  void place(volume_call& call, int target, const std::filesystem::path& shown);

  /// Names of the files.
  std::vector<std::string> names(volume_call& call);

  /// Removes copies of other contents that no workspace uses any more.
  void drop_unused(volume_call& call);

private:
  struct item {
    std::string name;
    // The source as it was when its content was read.
    struct stat source;
    std::string cached;
    // The copy as it was made; size 0 and time 0 before.
    struct stat copy;
    bool usable = false;
  };

  void refresh(volume_call& call);
  void make_copy(volume_call& call, item& what);
  bool intact(volume_call& call, const item& what);
  void place_item(volume_call& call, item& what, int target,
                  const std::filesystem::path& shown);

  std::filesystem::path source_;
  std::filesystem::path cache_;
  std::mutex mutex_;
  std::vector<item> items_;
};

} // namespace cuttle::workspace
