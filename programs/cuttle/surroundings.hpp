#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace cuttle {

/// A folder `<prefix>XXXXXX` that goes with its owner. Pods of any user can
/// pass through it to what is in it.
class temporary_folder {
public:
  /// Throws `std::runtime_error` when none can be made.
  explicit temporary_folder(const std::string& prefix);
  ~temporary_folder();

  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;

  const std::filesystem::path& path() const {
    return path_;
  }

  /// The random part of its name, in lower case.
  std::string unique_name() const;

private:
  std::filesystem::path path_;
};

/// The folder with the in-pod runner: beside the program, or where the image
/// has it.
std::optional<std::filesystem::path> find_runner_directory();

} // namespace cuttle
