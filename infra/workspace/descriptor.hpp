#pragma once

#include <unistd.h>
#include <utility>

namespace cuttle::workspace {

/// An open file descriptor, closed at the end.
class descriptor {
public:
  descriptor() = default;

  explicit descriptor(int value) : value_(value) {}

  descriptor(descriptor&& other) noexcept
    : value_(std::exchange(other.value_, -1)) {}

  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }

  ~descriptor() {
    if (value_ >= 0)
      ::close(value_);
  }

  int get() const {
    return value_;
  }

  int release() {
    return std::exchange(value_, -1);
  }

private:
  int value_ = -1;
};

} // namespace cuttle::workspace
