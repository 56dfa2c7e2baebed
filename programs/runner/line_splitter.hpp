#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace cuttle::runner {

/// Cuts one stream of a script into lines [BR-08]: at LF, with one CR before it
/// removed; bytes pass unmodified. A line longer than `limit` bytes comes in
/// several pieces, cut between characters where the text is UTF-8, so that
/// nothing is lost [BR-10]. A pure state machine.
class line_splitter {
public:
  using sink = std::function<void(std::string_view)>;

  /// `emit` gets each line; the view is valid during the call.
  line_splitter(std::size_t limit, sink emit);

  /// Takes the next bytes of the stream.
  void push(std::string_view data);

  /// The stream ended: an unterminated rest is a line.
  void finish();

private:
  // Emits pieces from the front of `line` until the rest fits; returns it.
  std::string_view emit_pieces(std::string_view line);
  void emit_line(std::string_view line);

  std::size_t limit_;
  sink emit_;
  std::string rest_;
  // `rest_` goes on a line of which pieces were emitted.
  bool continued_ = false;
};

} // namespace cuttle::runner
