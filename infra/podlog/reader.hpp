#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "infra/crypto/cipher.hpp"
#include "messages/podlog.hpp"

namespace cuttle::podlog {

/// Turns the bytes of follow streams into numbered lines: cuts lines, drops the
/// time stamps that old kubelets put inside a long line [LOG-09], decrypts,
/// skips what was delivered before, and checks the numbering. A pure state
/// machine; one thread at a time.
///
/// Each number is delivered at most once and in rising order, whatever the
/// streams repeat. Damaged lines become remarks, each once by its content
/// [LOG-08], at most `max_damaged_lines` of them.
class reader {
public:
  /// What a `feed` or `finish` wants next.
  enum class advice : std::uint8_t {
    /// Go on.
    more,
    /// A gap in the numbers [LOG-13]: read the log again from its start, then
    /// call `restart(true)`. The rest of the present stream is ignored. A gap
    /// that is still there after that is accepted and remarked.
    reread,
  };

  /// Damaged lines that become remarks; one more remark says that there were
  /// more.
  static constexpr std::size_t max_damaged_lines = 1000;

  /// Lines with numbers up to `delivered` are skipped. `longest_line` bounds
  /// the memory of one raw line in bytes; a longer one is remarked and skipped.
  reader(crypto::log_key key, std::int64_t delivered,
         std::size_t longest_line = 32 * 1024 * 1024);
  ~reader();
  reader(reader&&) noexcept;
  reader& operator=(reader&&) noexcept;

  /// Takes bytes of the stream; complete lines become available in `take`.
  advice feed(std::string_view data);

  /// The stream ended: an unterminated rest counts as a line, unless it is the
  /// beginning of one, which the next stream brings whole.
  advice finish();

  /// A new stream begins; an unterminated rest of the last one is dropped and
  /// lines delivered so far are skipped again. `from_start`: the stream has the
  /// whole log that is still there.
  void restart(bool from_start);

  /// What became available, in order; empties it. The end marker stays set.
  log_batch take();

  /// Memory of what `take` would return, in bytes.
  std::size_t ready_bytes() const;

  /// Bytes of a line whose end has not come yet.
  std::size_t partial_bytes() const;

  /// Number of the last line delivered through `take` or ready in it.
  std::int64_t last_number() const;

  /// Time of the last good line, for `sinceTime` [LOG-04].
  std::optional<timestamp> last_time() const;

  /// Exit code of the end marker, once seen.
  std::optional<std::int32_t> end_marker() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace cuttle::podlog
