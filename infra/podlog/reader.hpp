#pragma once

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
class reader {
public:
  /// What a `feed` or `finish` wants next.
  enum class advice : std::uint8_t {
    /// Go on.
    more,
    /// A gap in the numbers: read the log again from its start. After `restart`
    /// a gap that is still there is accepted and remarked.
    reread,
  };

  /// Lines with numbers up to `delivered` are skipped. `longest_line` bounds
  /// the memory of one raw line; a longer one is remarked and skipped.
  reader(crypto::log_key key, std::int64_t delivered,
         std::size_t longest_line = 32 * 1024 * 1024);
  ~reader();
  reader(reader&&) noexcept;
  reader& operator=(reader&&) noexcept;

  /// Takes bytes of the stream; complete lines become available in `take`.
  advice feed(std::string_view data);

  /// The stream ended: an unterminated rest counts as a line.
  advice finish();

  /// A new stream begins; lines delivered so far are skipped again.
  /// `from_start`: the stream has the whole log that is still there.
  void restart(bool from_start);

  /// What became available, in order; empties it.
  log_batch take();

  /// Bytes of text that `take` would return.
  std::size_t ready_bytes() const;

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
