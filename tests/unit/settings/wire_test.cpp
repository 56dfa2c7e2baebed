#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

#include "support.hpp"
#include "tests/folders.hpp"

namespace cuttle::settings {

namespace {

using namespace test;

// The row of the documentation: variable, default and range.
struct documented {
  std::string name;
  std::string fallback;
  std::string least;
  std::string most;
};

std::vector<documented> rows() {
  std::ifstream file{docs_folder() + "/settings.md"};
  std::vector<documented> result;
  auto inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("### Limits of the wire"))
      inside = true;
    else if (inside && line.starts_with("How to"))
      break;
    if (!inside || !line.starts_with("| `"))
      continue;
    std::istringstream words{line};
    std::string bar;
    std::string dots;
    documented x;
    words >> bar >> x.name >> bar >> x.fallback >> bar >> x.least >> dots
      >> x.most;
    x.name = x.name.substr(1, x.name.size() - 2);
    result.push_back(x);
  }
  return result;
}

} // namespace

TEST(WireLimits, HaveTheDefaultsOfTheDocumentation) {
  auto all = rows();
  EXPECT_EQ(all.size(), 16u);
  for (auto& x : all) {
    auto text = warning(read({{x.name, "0"}}), x.name);
    EXPECT_NE(text.find("using " + x.fallback), std::string::npos)
      << x.name << ": " << text;
  }
}

TEST(WireLimits, HaveTheRangesOfTheDocumentation) {
  for (auto& x : rows()) {
    for (auto& value : {x.least, x.most}) {
      auto result = read({{x.name, value}});
      EXPECT_TRUE(result.warnings.empty()) << x.name << ' ' << value;
    }
    auto beyond = x.most.ends_with("Gi")
                    ? std::to_string(std::stoull(x.most) + 1) + "Gi"
                    : std::to_string(std::stoull(x.most) + 1);
    EXPECT_EQ(read({{x.name, beyond}}).warnings.size(), 1u)
      << x.name << ' ' << beyond;
  }
}

TEST(WireLimits, ArriveWhereTheyCount) {
  auto wire = read({{"CUTTLE_WIRE_MESSAGE_BYTES", "2Mi"},
                    {"CUTTLE_WIRE_ALL_MESSAGES_BYTES", "5Mi"},
                    {"CUTTLE_WIRE_STRING_BYTES", "3Mi"},
                    {"CUTTLE_WIRE_NESTING", "17"},
                    {"CUTTLE_WIRE_INFLATE_RATIO", "21"},
                    {"CUTTLE_WIRE_STREAMS", "22"},
                    {"CUTTLE_WIRE_STREAM_BYTES", "4Mi"},
                    {"CUTTLE_WIRE_CONNECT_SECONDS", "23"},
                    {"CUTTLE_WIRE_PROXY_SECONDS", "24"},
                    {"CUTTLE_WIRE_HANDSHAKE_SECONDS", "25"},
                    {"CUTTLE_WIRE_CONTROL_SECONDS", "26"},
                    {"CUTTLE_WIRE_IO_SECONDS", "27"},
                    {"CUTTLE_WIRE_REQUEST_WAIT_SECONDS", "38"},
                    {"CUTTLE_LISTEN_REQUEST_WAIT_SECONDS", "29"},
                    {"CUTTLE_LISTEN_CONNECTIONS", "30"},
                    {"CUTTLE_LISTEN_CONNECTIONS_PER_PEER", "31"}})
                .values.wire;
  using std::chrono::seconds;
  EXPECT_EQ(wire.message_bytes, 2u << 20);
  EXPECT_EQ(wire.all_messages_bytes, 5u << 20);
  EXPECT_EQ(wire.string_bytes, 3u << 20);
  EXPECT_EQ(wire.nesting, 17u);
  EXPECT_EQ(wire.inflate_ratio, 21u);
  EXPECT_EQ(wire.streams, 22u);
  EXPECT_EQ(wire.stream_bytes, 4 << 20);
  EXPECT_EQ(wire.connect, seconds{23});
  EXPECT_EQ(wire.proxy, seconds{24});
  EXPECT_EQ(wire.handshake, seconds{25});
  EXPECT_EQ(wire.control, seconds{26});
  EXPECT_EQ(wire.io, seconds{27});
  EXPECT_EQ(wire.request_wait, seconds{38});
  EXPECT_EQ(wire.listening_request_wait, seconds{29});
  EXPECT_EQ(wire.connections, 30u);
  EXPECT_EQ(wire.connections_per_peer, 31u);
}

} // namespace cuttle::settings
