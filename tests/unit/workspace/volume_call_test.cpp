#include <gtest/gtest.h>
#include <vector>

#include "infra/workspace/volume_call.hpp"

using namespace cuttle;
using namespace cuttle::workspace;

namespace {

using waits = std::vector<std::chrono::milliseconds>;

struct recorder {
  waits seen;
  volume_call call{
    [this](std::chrono::milliseconds time) { seen.push_back(time); }};
};

// Fails with the errors of a list, then succeeds with 7.
struct script {
  std::vector<int> errors;
  int calls = 0;

  int operator()() {
    if (calls++ < static_cast<int>(errors.size())) {
      errno = errors[static_cast<std::size_t>(calls - 1)];
      return -1;
    }
    return 7;
  }
};

} // namespace

TEST(VolumeCall, RepeatsForTransientErrorsOnly_WS08) {
  for (auto error : {ESTALE, EIO, EBUSY, ETIMEDOUT}) {
    recorder uut;
    EXPECT_EQ(uut.call("read", "x", script{{error, error}}), 7);
    EXPECT_EQ(uut.seen, (waits{retry_waits[0], retry_waits[1]}));
  }
  for (auto error : {ENOENT, EACCES, ENOSPC, ENOTDIR, EROFS}) {
    recorder uut;
    script once{{error}};
    EXPECT_THROW(uut.call("read", "x", std::ref(once)), std::system_error);
    EXPECT_EQ(once.calls, 1);
    EXPECT_TRUE(uut.seen.empty());
  }
}

TEST(VolumeCall, RepeatsAnInterruptedCallAtOnce) {
  recorder uut;
  EXPECT_EQ(uut.call("read", "x", script{{EINTR, EINTR}}), 7);
  EXPECT_TRUE(uut.seen.empty());
}

TEST(VolumeCall, WaitsForABoundedTimeInAJob_WS08) {
  recorder uut;
  EXPECT_EQ(uut.call("read", "x", script{{EIO, EIO, EIO}}), 7);
  script forever{std::vector<int>(100, EIO)};
  EXPECT_THROW(uut.call("read", "x", std::ref(forever)), std::system_error);
  EXPECT_EQ(forever.calls, 2);
  EXPECT_EQ(uut.seen, waits(retry_waits.begin(), retry_waits.end()));
}

TEST(VolumeCall, HandsAnExpectedErrorToTheCaller) {
  recorder uut;
  auto missing = [](int error) { return error == ENOENT; };
  EXPECT_EQ(uut.call.attempt("read", "x", script{{ENOENT}}, missing), ENOENT);
  EXPECT_EQ(uut.call.attempt("read", "x", script{{EIO}}, missing), 0);
  EXPECT_THROW(uut.call.attempt("read", "x", script{{EACCES}}, missing),
               std::system_error);
}

TEST(VolumeCall, BecomesASentenceAndAReason) {
  auto run = [](int error) {
    return guarded([error]() -> outcome<int> {
      recorder uut;
      return uut.call("write", "/volume/a: b",
                      script{std::vector<int>(9, error)});
    });
  };
  EXPECT_EQ(run(ENOSPC).error(),
            (failure{errc::overloaded, "Could not write /volume/a: b: No space "
                                       "left on device"}));
  EXPECT_EQ(run(EDQUOT).error().code, errc::overloaded);
  EXPECT_EQ(run(EACCES).error(),
            (failure{errc::io_error,
                     "Could not write /volume/a: b: Permission denied"}));
  EXPECT_EQ(run(ESTALE).error().code, errc::unavailable);
}

TEST(VolumeCall, TurnsAnyOtherThrowIntoAnInternalFailure) {
  auto result
    = guarded([]() -> outcome<int> { throw std::runtime_error("broken"); });
  EXPECT_EQ(result.error(), (failure{errc::internal, "broken"}));
}
