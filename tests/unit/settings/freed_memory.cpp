#include "tests/unit/settings/freed_memory.hpp"

#include <array>
#include <atomic>
#include <cstdlib>
#include <malloc.h>
#include <new>
#include <stdexcept>

namespace {

// Nothing here may allocate while memory is given back.
struct watched {
  std::string_view name;
  std::string_view bytes;
  std::atomic<bool> found;
};

std::array<watched, 16> list;
std::atomic<std::size_t> used{0};

void look_into(void* memory) {
  auto count = used.load();
  if (memory == nullptr || count == 0)
    return;
  std::string_view all{static_cast<const char*>(memory),
                       ::malloc_usable_size(memory)};
  for (std::size_t i = 0; i < count; ++i)
    if (all.find(list[i].bytes) != std::string_view::npos)
      list[i].found = true;
}

} // namespace

void* operator new(std::size_t size) {
  if (auto* memory = std::malloc(size))
    return memory;
  throw std::bad_alloc{};
}

void operator delete(void* memory) noexcept {
  look_into(memory);
  std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
  look_into(memory);
  std::free(memory);
}

namespace cuttle::test {

freed_memory::freed_memory(std::vector<secret> secrets) {
  if (used != 0 || secrets.size() > list.size())
    throw std::logic_error{"memory is watched already, or for too much"};
  for (std::size_t i = 0; i < secrets.size(); ++i) {
    list[i].name = secrets[i].name;
    list[i].bytes = secrets[i].bytes;
    list[i].found = false;
  }
  used = secrets.size();
}

freed_memory::~freed_memory() {
  used = 0;
}

std::vector<std::string> freed_memory::found() const {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < used; ++i)
    if (list[i].found)
      result.emplace_back(list[i].name);
  return result;
}

} // namespace cuttle::test
