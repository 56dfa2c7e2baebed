#pragma once

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <sys/types.h>

namespace cuttle::test {

/// A headless Chromium that is driven over two pipes (its DevTools protocol),
/// with a profile of its own in a folder. Killed with its owner. One thread.
class browser {
public:
  /// Chromium's path; nothing where there is none.
  static std::optional<std::string> find();

  /// Throws `std::runtime_error` when it does not start.
  browser(const std::string& program, const std::filesystem::path& folder);
  ~browser();

  browser(const browser&) = delete;
  browser& operator=(const browser&) = delete;

  void size(int width, int height, bool dark = false);
  void open(const std::string& address);

  /// The value of an expression of JavaScript; null for none. A promise is
  /// waited for.
  nlohmann::json value(const std::string& expression);

  /// Waits until an expression is true; false after 30 s.
  bool until(const std::string& expression);

  /// Types into the element that is focused, as a keyboard does.
  void type(const std::string& text);
  void press(const std::string& key, int code);

  /// The whole page as PNG.
  void screenshot(const std::filesystem::path& file);

private:
  nlohmann::json call(const std::string& method,
                      nlohmann::json parameters = nlohmann::json::object());
  nlohmann::json receive();

  pid_t pid_ = -1;
  int to_ = -1;
  int from_ = -1;
  int next_ = 0;
  std::string session_;
  std::string read_;
};

} // namespace cuttle::test
