#include <gtest/gtest.h>

#include "infra/crypto/log_keys.hpp"

namespace cuttle::crypto {

namespace {

const bytes machine_key(32, 7);

TEST(LogKeys, AreThoseThatAreDerived_KEY01) {
  log_keys keys{machine_key};
  for (auto round = 0; round < 2; ++round)
    for (auto ticket : {"abc", "ABC", "abd"})
      EXPECT_EQ(keys.of(ticket), derive_log_key(machine_key, ticket));
  EXPECT_FALSE(keys.of("abc") == keys.of("ABC"));
}

TEST(LogKeys, AreDerivedAnewOnceTheyAreForgotten) {
  log_keys keys{machine_key, 2};
  for (auto round = 0; round < 3; ++round)
    for (auto ticket : {"a", "b", "c", "d"})
      EXPECT_EQ(keys.of(ticket), derive_log_key(machine_key, ticket));
}

} // namespace

} // namespace cuttle::crypto
