#include <algorithm>
#include <gtest/gtest.h>
#include <set>
#include <string_view>

#include "infra/sim/octopus_server.hpp"

namespace cuttle::sim {

TEST(MakeTicket, GivesLettersAndDigitsOfABase64Guid) {
  std::set<std::string> seen;
  for (int i = 0; i < 2'000; ++i) {
    auto ticket = make_ticket();
    EXPECT_TRUE(ticket.valid()) << ticket.task_id;
    EXPECT_LE(ticket.task_id.size(), 22u);
    EXPECT_TRUE(std::all_of(
      ticket.task_id.begin(), ticket.task_id.end(),
      [](unsigned char c) { return c < 0x80 && std::isalnum(c) != 0; }))
      << ticket.task_id;
    EXPECT_TRUE(seen.insert(ticket.key()).second);
  }
}

TEST(MakeSubscription, GivesTwentyLettersThatReadClearly_HAL) {
  constexpr std::string_view allowed = "bcdefghjklmnpqrstuvwxyz23456789";
  std::set<char> used;
  std::set<std::string> seen;
  for (int i = 0; i < 500; ++i) {
    auto uri = make_subscription();
    ASSERT_EQ(uri.size(), 28u) << uri;
    EXPECT_TRUE(uri.starts_with("poll://"));
    EXPECT_TRUE(uri.ends_with("/"));
    auto name = uri.substr(7, 20);
    EXPECT_EQ(name.find_first_not_of(allowed), std::string::npos) << uri;
    used.insert(name.begin(), name.end());
    EXPECT_TRUE(seen.insert(uri).second);
  }
  EXPECT_EQ(used.size(), allowed.size());
}

} // namespace cuttle::sim
