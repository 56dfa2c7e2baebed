#include <set>

#include "tests/chart/lookup.hpp"
#include "tests/chart/table.hpp"

namespace cuttle::test {

namespace {

std::string decode_base64(const std::string& text) {
  const std::string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "abcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  unsigned bits = 0;
  int count = 0;
  for (auto c : text) {
    auto digit = alphabet.find(c);
    if (digit == std::string::npos)
      break;
    bits = bits << 6 | static_cast<unsigned>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      result += static_cast<char>(bits >> count & 0xff);
    }
  }
  return result;
}

void check(const expectation& expected, const json* found) {
  using kind = expectation::kind;
  if (expected.how == kind::absent) {
    EXPECT_EQ(found, nullptr) << expected.location << " is " << *found;
    return;
  }
  ASSERT_NE(found, nullptr) << expected.location << " is not there";
  if (expected.how == kind::json_text) {
    ASSERT_TRUE(found->is_string()) << expected.location << " is " << *found;
    // (the order of keys has no meaning)
    EXPECT_EQ(nlohmann::json::parse(found->get<std::string>(), nullptr, false),
              nlohmann::json(expected.value))
      << expected.location;
  } else if (expected.how == kind::base64) {
    ASSERT_TRUE(found->is_string()) << expected.location << " is " << *found;
    EXPECT_EQ(nlohmann::ordered_json(decode_base64(*found)), expected.value)
      << expected.location;
  } else if (expected.how == kind::equal) {
    EXPECT_EQ(nlohmann::json(*found), nlohmann::json(expected.value))
      << expected.location;
  }
}

} // namespace

class Values : public Chart,
               public ::testing::WithParamInterface<chart_case> {};

TEST_P(Values, EndUpWhereTheTableSays) {
  auto& wanted = GetParam();
  for (auto& helm : find_helms()) {
    SCOPED_TRACE(helm);
    auto options = wanted.options;
    options.helm = helm;
    auto chart = render(options);
    EXPECT_EQ(chart.ok, wanted.complaints.empty()) << chart.trouble;
    for (auto& text : wanted.complaints)
      EXPECT_NE(chart.trouble.find(text), std::string::npos)
        << "helm should speak of '" << text << "' and says:\n"
        << chart.trouble;
    if (chart.ok)
      for (auto& expected : wanted.expected)
        check(expected, look_up(chart, expected.location));
  }
}

INSTANTIATE_TEST_SUITE_P(Table, Values, ::testing::ValuesIn(chart_cases()),
                         [](auto& x) { return x.param.name; });

TEST(Tables, HaveNoNameTwice) {
  std::set<std::string> names;
  for (auto& x : chart_cases())
    EXPECT_TRUE(names.insert(x.name).second) << x.name;
  EXPECT_GT(names.size(), 100u);
}

} // namespace cuttle::test
