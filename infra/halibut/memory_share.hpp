#pragma once

// Internal: for the .cpp files of this folder.

#include <algorithm>
#include <cstddef>
#include <string>

#include "infra/halibut/limit_names.hpp"
#include "infra/halibut/limits.hpp"

namespace cuttle::halibut {

/// What one connection holds of the memory that messages and streams of all
/// connections of a links' thread may take together. A small part is free for
/// each, so that ordinary calls go on while others have taken everything.
/// Belongs to the links' thread.
class memory_share {
public:
  /// What a connection may hold whatever the others do.
  static constexpr std::size_t free_bytes = 64 * 1'024;

  /// `all` counts what the shares have taken; it outlives this. The limit is
  /// never below that of one message.
  memory_share(std::size_t& all, const halibut::limits& limits)
    : all_(all),
      limit_(std::max(limits.all_messages_bytes, limits.message_bytes)) {}

  memory_share(const memory_share&) = delete;
  memory_share& operator=(const memory_share&) = delete;

  ~memory_share() {
    clear();
  }

  /// Takes so many bytes more. A failure takes nothing: there is no room.
  outcome<void> add(std::size_t bytes) {
    auto more = counted(held_ + bytes) - counted(held_);
    if (more > 0 && (all_ > limit_ || more > limit_ - all_))
      return fail(errc::overloaded,
                  "the messages of all connections together would take more "
                  "than "
                    + std::to_string(limit_) + " bytes"
                    + raised_by(raise::all_messages));
    all_ += more;
    held_ += bytes;
    return {};
  }

  /// Takes what is missing to hold that many.
  outcome<void> grow_to(std::size_t bytes) {
    return bytes > held_ ? add(bytes - held_) : outcome<void>{};
  }

  /// Gives so many back.
  void drop(std::size_t bytes) {
    bytes = std::min(bytes, held_);
    all_ -= counted(held_) - counted(held_ - bytes);
    held_ -= bytes;
  }

  void clear() {
    drop(held_);
  }

private:
  static std::size_t counted(std::size_t bytes) {
    return bytes > free_bytes ? bytes - free_bytes : 0;
  }

  std::size_t& all_;
  const std::size_t limit_;
  std::size_t held_ = 0;
};

} // namespace cuttle::halibut
