#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cuttle::test {

/// While it lives, looks into each piece of memory that this program gives back
/// with `delete`, on any thread, for the given texts. One at a time.
class freed_memory {
public:
  /// A name for what may not be found, and its bytes: at least eight.
  struct secret {
    std::string_view name;
    std::string_view bytes;
  };

  explicit freed_memory(std::vector<secret> secrets);
  ~freed_memory();
  freed_memory(const freed_memory&) = delete;
  freed_memory& operator=(const freed_memory&) = delete;

  /// Names of the secrets that were found so far, each once.
  std::vector<std::string> found() const;
};

} // namespace cuttle::test
