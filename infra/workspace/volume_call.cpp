#include "infra/workspace/volume_call.hpp"

#include <cstring>
#include <thread>
#include <utility>

namespace cuttle::workspace {

bool transient(int error) {
  return error == ESTALE || error == EIO || error == EBUSY
         || error == ETIMEDOUT;
}

failure to_failure(int error, const std::string& what) {
  auto text = "Could not " + what + ": " + std::strerror(error);
  if (error == ENOSPC || error == EDQUOT || error == EFBIG)
    return {errc::overloaded, text};
  if (transient(error))
    return {errc::unavailable, text};
  return {errc::io_error, text};
}

volume_call::volume_call(sleeper sleep) : sleep_(std::move(sleep)) {
  if (!sleep_)
    sleep_ = [](std::chrono::milliseconds time) {
      std::this_thread::sleep_for(time);
    };
}

void volume_call::again_or_throw(int error, const char* verb,
                                 const std::filesystem::path& path) {
  if (error == EINTR)
    return;
  if (transient(error) && attempts_ < retry_waits.size()) {
    sleep_(retry_waits[attempts_++]);
    return;
  }
  throw std::system_error(error, std::generic_category(),
                          std::string{verb} + " " + path.string());
}

} // namespace cuttle::workspace
