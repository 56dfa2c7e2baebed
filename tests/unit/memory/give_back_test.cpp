#include <cstdint>
#include <fstream>
#include <gtest/gtest.h>
#include <link.h>
#include <stdexcept>
#include <string>
#include <string_view>

#include "infra/memory/give_back.hpp"

namespace cuttle::memory {

namespace {

// Resident pages that a file stands behind, by the kernel's account.
std::size_t file_pages() {
  std::ifstream in{"/proc/self/statm"};
  std::size_t all = 0;
  std::size_t resident = 0;
  std::size_t of_files = 0;
  in >> all >> resident >> of_files;
  return of_files;
}

// Reads a byte of each page of code and constants, whoever they are of. Some of
// them lie between two constants, where AddressSanitizer forbids to read.
[[gnu::no_sanitize_address]] int read_code(dl_phdr_info* object, std::size_t,
                                           void* sum) {
  if (object->dlpi_name != nullptr
      && std::string_view{object->dlpi_name}.find("vdso")
           != std::string_view::npos)
    return 0;
  for (auto i = 0; i < object->dlpi_phnum; ++i) {
    auto& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0)
      continue;
    auto* bytes = reinterpret_cast<const volatile std::uint8_t*>(
      object->dlpi_addr + segment.p_vaddr);
    for (std::size_t at = 0; at < segment.p_filesz; at += 4'096)
      *static_cast<std::uint64_t*>(sum) += bytes[at];
  }
  return 0;
}

std::uint64_t sum_of_code() {
  std::uint64_t result = 0;
  ::dl_iterate_phdr(read_code, &result);
  return result;
}

TEST(GiveBack, CodeThatIsNotInUseIsNotResidentAfterwards) {
  sum_of_code();
  auto before = file_pages();
  give_back();
  EXPECT_LT(file_pages(), before / 2);
}

TEST(GiveBack, TheSameCodeAndConstantsAreThereWhenTheyAreUsedAgain) {
  auto before = sum_of_code();
  give_back();
  EXPECT_EQ(sum_of_code(), before);
}

TEST(GiveBack, WhatWasWrittenStays) {
  static int written = 7;
  static const std::string text(std::size_t{1} << 20, 'x');
  written += 1;
  give_back();
  EXPECT_EQ(written, 8);
  EXPECT_EQ(text.find_first_not_of('x'), std::string::npos);
  // Exceptions look through tables that were mapped away.
  EXPECT_THROW(throw std::runtime_error{"seen"}, std::runtime_error);
}

} // namespace

} // namespace cuttle::memory
