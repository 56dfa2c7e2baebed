#pragma once

#include <array>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <functional>
#include <system_error>

#include "messages/failure.hpp"

namespace cuttle::workspace {

/// Waits between the attempts of one job at calls that failed for a passing
/// reason; after the last one the failure stands [WS-08].
inline constexpr std::array<std::chrono::milliseconds, 4> retry_waits{
  std::chrono::milliseconds{50}, std::chrono::milliseconds{200},
  std::chrono::milliseconds{500}, std::chrono::milliseconds{1000}};

/// Whether another attempt may cure the error: ESTALE, EIO, EBUSY, ETIMEDOUT,
/// which network volumes give while a server comes back [WS-08].
bool transient(int error);

/// The failure that an error of the file system is to the caller. `what` is
/// `<verb> <path>`.
failure to_failure(int error, const std::string& what);

/// File-system calls of one job on a disk thread. Failing calls throw
/// `std::system_error`, which the job turns into a value where it ends; the
/// waits of `retry_waits` are shared by all calls of the job, so a job blocks
/// its thread for a bounded time.
class volume_call {
public:
  using sleeper = std::function<void(std::chrono::milliseconds)>;

  /// `sleep` is for tests.
  explicit volume_call(sleeper sleep = {});

  /// Runs `call`, which gives a negative number and `errno` on failure, until
  /// it succeeds or fails for good; returns its result or throws.
  template <class F>
  auto operator()(const char* verb, const std::filesystem::path& path, F call) {
    for (;;) {
      auto result = call();
      if (result >= 0)
        return result;
      again_or_throw(errno, verb, path);
    }
  }

  /// As above, for errors that the caller knows what to do with: returns the
  /// error's number instead of throwing it when `expected(errno)`, else 0.
  template <class F, class Predicate>
  int attempt(const char* verb, const std::filesystem::path& path, F call,
              Predicate expected) {
    for (;;) {
      if (call() >= 0)
        return 0;
      auto error = errno;
      if (error != EINTR && expected(error))
        return error;
      again_or_throw(error, verb, path);
    }
  }

private:
  void again_or_throw(int error, const char* verb,
                      const std::filesystem::path& path);

  sleeper sleep_;
  std::size_t attempts_ = 0;
};

/// Runs `job`, which returns an `outcome`, and turns what it throws into one.
template <class F>
auto guarded(F job) -> decltype(job()) {
  try {
    return job();
  } catch (const std::system_error& e) {
    // `what` has the text of the code at its end; it was made in `volume_call`.
    std::string what = e.what();
    auto end = what.rfind(": ");
    return tl::unexpected<failure>(
      to_failure(e.code().value(), what.substr(0, end)));
  } catch (const std::exception& e) {
    return fail(errc::internal, e.what());
  }
}

} // namespace cuttle::workspace
