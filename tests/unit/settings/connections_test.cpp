#include <gtest/gtest.h>

#include "support.hpp"

namespace cuttle::settings {

using namespace test;

TEST(Environment, MakesARangeOfTheNumberOfConnections_RUN04) {
  struct row {
    const char *fixed, *min, *max;
    unsigned least, most;
  };
  for (auto& x : {row{"5", "", "", 5, 5}, row{"5", "2", "", 2, 5},
                  row{"5", "9", "", 9, 9}, row{"5", "", "20", 5, 20},
                  row{"5", "", "3", 3, 3}, row{"5", "2", "20", 2, 20},
                  row{"5", "20", "2", 20, 20}, row{"600", "", "", 512, 512},
                  row{"5", "0", "513", 5, 5}, row{"", "1", "4", 1, 4}}) {
    auto result = read({{"TentaclePollingConnectionCount", x.fixed},
                        {"CUTTLE_POLLING_CONNECTIONS_MIN", x.min},
                        {"CUTTLE_POLLING_CONNECTIONS_MAX", x.max}});
    auto range = polling_range(result.values, {});
    EXPECT_EQ(range.min, x.least) << x.fixed << ' ' << x.min << ' ' << x.max;
    EXPECT_EQ(range.max, x.most) << x.fixed << ' ' << x.min << ' ' << x.max;
  }
  EXPECT_NE(warning(read({{"CUTTLE_POLLING_CONNECTIONS_MIN", "9"},
                          {"CUTTLE_POLLING_CONNECTIONS_MAX", "8"}}),
                    "CUTTLE_POLLING_CONNECTIONS_MAX")
              .find("using 9"),
            std::string::npos);
  EXPECT_EQ(read({{"CUTTLE_POLLING_IDLE_SECONDS", "7"}}).values.polling_idle,
            std::chrono::seconds{7});
}

TEST(Environment, TakesAnythingForTheNumberOfConnections_RUN04_HAL42) {
  auto count = [](const char* text, std::optional<unsigned> stored) {
    stored_settings settings;
    settings.polling_connections = stored;
    auto result = read({{"TentaclePollingConnectionCount", text}});
    return polling_connections(result.values, settings);
  };
  EXPECT_EQ(count("5", std::nullopt), 5u);
  EXPECT_EQ(count("5", 7), 5u);
  EXPECT_EQ(count("0", 7), 1u);
  EXPECT_EQ(count("4000000000", 7), 512u);
  EXPECT_EQ(count("", 7), 7u);
  EXPECT_EQ(count("-1", 7), 7u);
  EXPECT_EQ(count("5000000000", 7), 7u);
  EXPECT_EQ(count("five", 7), 7u);
  EXPECT_EQ(count("five", std::nullopt), 1u);
  EXPECT_EQ(count("", 9999), 512u);
  EXPECT_EQ(count("", 0), 1u);
  EXPECT_NE(warning(read({{"TentaclePollingConnectionCount", "five"}}),
                    "TentaclePollingConnectionCount")
              .find("using the stored number"),
            std::string::npos);
}

} // namespace cuttle::settings
