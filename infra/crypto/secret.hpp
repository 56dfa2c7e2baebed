#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <openssl/crypto.h>
#include <string>
#include <vector>

namespace cuttle::crypto {

/// Overwrites what it frees with zeros.
template <class T>
struct wiping_allocator {
  using value_type = T;
  wiping_allocator() = default;
  template <class U>
  wiping_allocator(const wiping_allocator<U>&) {}

  T* allocate(std::size_t count) {
    return std::allocator<T>{}.allocate(count);
  }
  void deallocate(T* memory, std::size_t count) noexcept {
    OPENSSL_cleanse(memory, count * sizeof(T));
    std::allocator<T>{}.deallocate(memory, count);
  }
  friend bool operator==(const wiping_allocator&, const wiping_allocator&) {
    return true;
  }
};

/// Bytes of a key, or text that holds one: no copy stays behind in memory that
/// was given back.
using secret_bytes = std::vector<std::uint8_t, wiping_allocator<std::uint8_t>>;

/// Overwrites a text with zeros and empties it. For one that has to be a string
/// because a library made it.
inline void wipe(std::string& text) {
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

} // namespace cuttle::crypto
