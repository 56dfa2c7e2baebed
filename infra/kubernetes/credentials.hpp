#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "infra/kubernetes/api_client.hpp"

namespace cuttle::kubernetes {

/// The bearer token of an `access`, read again when its file changes. Not
/// thread-safe.
class credentials {
public:
  explicit credentials(const access& where);

  /// The token to send; empty when there is none. Looks at the time of the
  /// file's last change first.
  const std::string& token();

  /// Reads the file again after a 401. Returns whether another attempt makes
  /// sense, that is: whether there is a file.
  bool renew();

private:
  void load();

  std::filesystem::path file_;
  std::optional<std::filesystem::file_time_type> changed_;
  std::string token_;
};

} // namespace cuttle::kubernetes
