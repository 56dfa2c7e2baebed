#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>

#include "infra/load/profile.hpp"
#include "tests/folders.hpp"

namespace cuttle::load {

namespace {

std::string complaint(const std::string& json) {
  auto read = read_profile(json);
  return read ? "none" : read.error().text;
}

TEST(Profile, ComesBackFromItsOwnJson) {
  load_profile x;
  x.name = "mine";
  x.operations = 7;
  x.rate = 2.5;
  x.arrival = arrival_kind::burst;
  x.burst = 4;
  x.script
    = {3, 80, std::chrono::milliseconds{5}, std::chrono::milliseconds{6}};
  x.files = 2;
  x.file_bytes = 10;
  x.cadence = poll_cadence::fast;
  x.servers = 2;
  x.links = false;
  x.idle = std::chrono::seconds{3};
  x.old_events = 9;
  x.frozen_from = std::chrono::seconds{1};
  x.frozen_until = std::chrono::seconds{2};
  x.worker["CUTTLE_DISK_THREADS"] = "4";
  auto text = to_json(x).dump();
  auto back = read_profile(text);
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_EQ(to_json(*back).dump(), text);
}

TEST(Profile, TakesAKindOfScriptAndWhatDiffersFromIt) {
  auto x = read_profile(R"({"script": {"lines": 7, "kind": "chatty"}})");
  ASSERT_TRUE(x) << x.error().text;
  EXPECT_EQ(x->script.lines, 7u);
  EXPECT_EQ(x->script.every, std::chrono::milliseconds{50});
}

TEST(Profile, NamesWhatIsWrong) {
  EXPECT_EQ(complaint("[]"), "a profile is a JSON object");
  EXPECT_EQ(complaint(R"({"raet": 1})"), "there is no member \"raet\"");
  EXPECT_EQ(complaint(R"({"rate": "fast"})"), "\"rate\" must be a number");
  EXPECT_EQ(complaint(R"({"burst": -1})"),
            "\"burst\" must be a whole number from 0 to 1000000");
  EXPECT_EQ(complaint(R"({"script": {"kind": "x"}})"),
            "\"kind\" names no kind of script: x");
  EXPECT_NE(complaint(R"({"servers": 0})"), "none");
  EXPECT_NE(complaint(R"({"operations": 0})"), "none");
  EXPECT_NE(complaint(R"({"operations": 0, "seconds": 5, "rate": 0})"), "none");
  EXPECT_NE(complaint(R"({"rate": -1})"), "none");
  EXPECT_NE(complaint(R"({"frozen_from_s": 2, "frozen_until_s": 1})"), "none");
  EXPECT_NE(complaint(R"({"bare": true, "rate": 1})"), "none");
  EXPECT_NE(complaint(R"({"script": {"cancel": true}})"), "none");
}

TEST(Profile, BecomesALoadOfSoManyAtOnce) {
  load_profile x;
  x.name = "sleep";
  x.concurrency = 10;
  auto many = all_at_once(x, 5'000);
  EXPECT_EQ(many.name, "sleep-5000");
  EXPECT_EQ(many.operations, 5'000u);
  EXPECT_EQ(many.rate, 0);
  EXPECT_EQ(many.concurrency, 5'000u);
  EXPECT_EQ(many.worker["CUTTLE_OPERATIONS_LIMIT"], "5000");
}

TEST(Profile, KnowsEachKindThatItNames) {
  for (auto& kind : script_kinds()) {
    load_profile x;
    EXPECT_TRUE(set_script_kind(x, kind)) << kind;
    EXPECT_FALSE(complaint_of(x)) << kind;
  }
  load_profile x;
  EXPECT_FALSE(set_script_kind(x, "other"));
}

TEST(Profile, OfTheProjectCanAllBeRead) {
  unsigned count = 0;
  for (auto& entry : std::filesystem::directory_iterator{profiles_folder()}) {
    std::ifstream in{entry.path()};
    std::ostringstream text;
    text << in.rdbuf();
    EXPECT_EQ(complaint(text.str()), "none") << entry.path();
    ++count;
  }
  EXPECT_GT(count, 0u);
}

} // namespace

} // namespace cuttle::load
