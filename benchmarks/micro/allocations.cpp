#include "benchmarks/micro/allocations.hpp"

#include <cstddef>

// Counts for glibc, whose own functions have these other names as well.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
}

namespace {

thread_local std::uint64_t count = 0;

} // namespace

extern "C" {

void* malloc(std::size_t size) {
  ++count;
  return __libc_malloc(size);
}

void* calloc(std::size_t number, std::size_t size) {
  ++count;
  return __libc_calloc(number, size);
}

void* realloc(void* block, std::size_t size) {
  ++count;
  return __libc_realloc(block, size);
}
}

namespace cuttle::bench {

std::uint64_t allocations_of_this_thread() {
  return count;
}

} // namespace cuttle::bench
