#pragma once

#include <chrono>

namespace cuttle {

/// How many pods may be in creation at a time, by what the API server takes: a
/// refusal for want of room (429) halves the number and is followed by a pause,
/// each creation that succeeds adds its share of one. So all scripts together
/// find the server's limit, instead of each repeating on its own. Pure.
class creation_pace {
public:
  /// Longest pause, whatever the server asks for.
  static constexpr std::chrono::milliseconds longest_pause{60'000};

  /// Begins with the most.
  explicit creation_pace(unsigned most);

  /// From 1 to the most.
  unsigned window() const;

  void created();

  /// The server refused a creation, and asked to wait so long (zero: it did not
  /// say). How long nothing is to be created now; zero when a pause is under
  /// way, for one wave of refusals counts once.
  std::chrono::milliseconds refused(std::chrono::milliseconds retry_after);

  /// The pause is over.
  void resumed();

  bool pausing() const {
    return pausing_;
  }

private:
  double most_;
  double window_;
  unsigned pauses_ = 0;
  bool pausing_ = false;
};

/// How long to wait before a quota that is used up is tried again, after so
/// many tries in vain (0: the first one): up to half a minute.
std::chrono::milliseconds quota_pause(unsigned tries);

} // namespace cuttle
