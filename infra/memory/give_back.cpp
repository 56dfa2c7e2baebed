#include "infra/memory/give_back.hpp"

#include <cstdint>
#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace cuttle::memory {

namespace {

struct range {
  std::uintptr_t begin;
  std::uintptr_t end;
};

// Segments that are mapped without the right to write have what their file has,
// whatever was done meanwhile. (Those that become read-only once relocations
// are made have it not, and are marked as writable here.)
int add_unwritten(dl_phdr_info* object, std::size_t, void* result) {
  auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (auto i = 0; i < object->dlpi_phnum; ++i) {
    auto& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0)
      continue;
    auto begin = object->dlpi_addr + segment.p_vaddr;
    auto end = begin + segment.p_filesz;
    static_cast<std::vector<range>*>(result)->push_back(
      {begin / page * page, (end + page - 1) / page * page});
  }
  return 0;
}

std::vector<range> unwritten() {
  std::vector<range> result;
  ::dl_iterate_phdr(add_unwritten, &result);
  return result;
}

} // namespace

void give_back() {
  ::malloc_trim(0);
  for (auto& x : unwritten())
    ::madvise(reinterpret_cast<void*>(x.begin), x.end - x.begin, MADV_DONTNEED);
}

} // namespace cuttle::memory
