#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "messages/script.hpp"

namespace cuttle {

/// One row of the closing table.
struct demo_row {
  std::string step;
  std::string pod;
  std::string image;
  std::int32_t exit_code = 0;
  std::chrono::milliseconds queued{0};
  std::chrono::milliseconds to_pod{0};
  std::chrono::milliseconds to_first_line{0};
  std::chrono::milliseconds total{0};
  unsigned calls = 0;
  /// Empty if the step ended as it should.
  std::string complaint;
};

/// Shows task logs as Octopus would, one line an event, and the closing table.
/// Thread-safe.
class demo_screen {
public:
  struct options {
    bool colours = false;
    bool verbose = false;
    /// Width of the column with the step's name.
    int name_width = 24;
  };

  explicit demo_screen(options how);

  /// A line of the demo itself.
  void say(const std::string& text);

  /// A heading.
  void heading(const std::string& text);

  /// The display mode of one task log: service messages of the script switch
  /// it, as on the server.
  enum class mode : std::uint8_t { normal, verbose, warning, wait };

  /// Lines of a step's task log; `state` is the log's own.
  void lines(const std::string& step, mode& state,
             const std::vector<output_line>& lines);

  /// The state of a step changed.
  void progress(const std::string& step, const std::string& text);

  void table(const std::vector<demo_row>& rows);

  /// An expectation and whether it held, with what was found instead.
  void check(const std::string& expectation, bool held,
             const std::string& found);

private:
  void put(const char* colour, const std::string& text);
  void put_line(const std::string& step, const output_line& line, mode state);

  std::mutex mutex_;
  options how_;
};

} // namespace cuttle
