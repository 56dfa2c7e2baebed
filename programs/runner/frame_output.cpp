#include "programs/runner/frame_output.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace cuttle::runner {

frame_output::frame_output(int descriptor, std::span<const std::uint8_t> key)
  : descriptor_(descriptor), flags_(::fcntl(descriptor, F_GETFL)),
    sealer_(key) {
  if (flags_ >= 0)
    ::fcntl(descriptor, F_SETFL, flags_ | O_NONBLOCK);
}

frame_output::~frame_output() {
  if (flags_ >= 0)
    ::fcntl(descriptor_, F_SETFL, flags_);
}

std::string_view frame_output::add(output_source source,
                                   std::string_view text) {
  if (error_ != 0)
    return {};
  auto start = pending_.size();
  sealer_.append(pending_, ++number_, source, text);
  return std::string_view{pending_}.substr(start);
}

void frame_output::flush(clock::time_point now, bool force) {
  constexpr std::size_t enough = 64 * 1024;
  constexpr std::size_t usual_capacity = 2 * high_water;
  blocked_ = false;
  if (empty() || error_ != 0)
    return;
  if (!force && now < due() && pending_.size() - written_ < enough)
    return;
  last_write_ = now;
  while (!empty()) {
    auto result = ::write(descriptor_, pending_.data() + written_,
                          pending_.size() - written_);
    if (result >= 0) {
      written_ += static_cast<std::size_t>(result);
    } else if (errno == EAGAIN) {
      blocked_ = true;
      return;
    } else if (errno != EINTR) {
      error_ = errno;
      break;
    }
  }
  pending_.clear();
  written_ = 0;
  if (pending_.capacity() > usual_capacity)
    pending_.shrink_to_fit();
}

} // namespace cuttle::runner
