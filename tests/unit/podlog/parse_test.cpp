#include <gtest/gtest.h>

#include "infra/podlog/frame.hpp"
#include "tests/unit/podlog/sample.hpp"

using namespace cuttle;
using namespace cuttle::podlog;
using test::log_line;
using test::vector_key;

namespace {

const std::string ts{test::stamp};

std::string message(std::string_view line) {
  auto result = parse_line(line, vector_key());
  auto* damage = std::get_if<damaged_line>(&result);
  return damage ? damage->message : "no damage";
}

std::string delimiter(const std::string& line) {
  return "Pod log line is not correctly pipe-delimited: '" + line + "'";
}

std::string invalid(const std::string& what, const std::string& value,
                    const std::string& line) {
  return "Pod log " + what + " '" + value + "' is invalid: '" + line + "'";
}

parsed_line good(std::string_view line) {
  auto result = parse_line(line, vector_key());
  auto* parsed = std::get_if<parsed_line>(&result);
  if (!parsed) {
    ADD_FAILURE() << std::get<damaged_line>(result).message;
    return {};
  }
  return *parsed;
}

// `line` as an old kubelet writes it: a stamp before each part.
std::string in_parts(std::string line, std::size_t part_size,
                     const std::string& time) {
  auto content = line.substr(line.find(' ') + 1);
  std::string result;
  for (std::size_t i = 0; i < content.size(); i += part_size)
    result += time + " " + content.substr(i, part_size);
  return result;
}

} // namespace

TEST(ParseLine, NamesABadDelimiter_LOG05_LOG10) {
  for (std::string line : {"a|b|c", "no bar", "", "1 |", "1 |e", "1 |e|"})
    EXPECT_EQ(message(line), delimiter(line));
}

TEST(ParseLine, NamesABadTimestamp_LOG10) {
  for (std::string line : {"1 |e|b|c|d", "1 |b|c|d"})
    EXPECT_EQ(message(line), invalid("timestamp", "1", line));
}

TEST(ParseLine, NamesABadNumber_LOG10) {
  EXPECT_EQ(message(ts + " |e|b|c|d"),
            invalid("line number", "b", ts + " |e|b|c|d"));
  EXPECT_EQ(message(ts + " |p|b|c|d"),
            invalid("line number", "p", ts + " |p|b|c|d"));
  EXPECT_EQ(message(ts + " |b|c|d"),
            invalid("line number", "b", ts + " |b|c|d"));
  EXPECT_EQ(message(ts + " |p|1|c|d"),
            invalid("line number", "p", ts + " |p|1|c|d"));
  for (std::string number : {"2147483648", "-1", "0", "1x", " 1", ""}) {
    auto line = ts + " |" + number + "|stdout|d";
    EXPECT_EQ(message(line), invalid("line number", number, line));
  }
}

TEST(ParseLine, NamesABadLevel_LOG10) {
  EXPECT_EQ(message(ts + " |e|1|c|d"), invalid("level", "c", ts + " |e|1|c|d"));
  EXPECT_EQ(message(ts + " |1|c|d"), invalid("level", "c", ts + " |1|c|d"));
}

TEST(ParseLine, TakesThePlainFormWithBarsInTheText_LOG05_LOG10) {
  auto parsed = good(ts + " |123|stdout|This is the me|ss|age");
  EXPECT_EQ(parsed.line.number, 123);
  EXPECT_EQ(parsed.line.line.text, "This is the me|ss|age");
  EXPECT_EQ(parsed.line.line.source, output_source::out);
  EXPECT_EQ(parsed.line.line.occurred, *parse_time(ts));
  EXPECT_FALSE(parsed.exit_code);
}

TEST(ParseLine, TakesALevelInAnyCase_LOG06) {
  EXPECT_EQ(good(ts + " |1|StdErr|x").line.line.source, output_source::err);
  EXPECT_EQ(good(ts + " |1|DEBUG|x").line.line.source, output_source::debug);
}

TEST(ParseLine, ReadsTheEndMarker_LOG10) {
  auto marker = std::string{end_marker_id};
  auto parsed = good(ts + " |123|debug|" + marker + "<<>>-64");
  EXPECT_EQ(parsed.exit_code, -64);
  EXPECT_EQ(parsed.line.line.text, marker + "<<>>-64");
  EXPECT_EQ(
    good(
      log_line(1, end_marker_text(7), output_source::debug)
        .substr(0, log_line(1, end_marker_text(7), output_source::debug).size()
                     - 1))
      .exit_code,
    7);
}

TEST(ParseLine, NamesABrokenEndMarker_LOG10) {
  auto marker = std::string{end_marker_id};
  for (std::string rest : {"<<>>", "<<>>x", "<<>>1x", "", " 1"}) {
    auto line = ts + " |123|stdout|" + marker + rest;
    EXPECT_EQ(message(line),
              "Pod log end of stream marker is invalid: '" + line + "'");
  }
}

TEST(ParseLine, DoesNotLetAScriptPrintItsOwnEnd) {
  auto parsed = good(ts + " |9|stdout|" + end_marker_text(0));
  EXPECT_FALSE(parsed.exit_code);
  EXPECT_EQ(parsed.line.line.text, end_marker_text(0));
}

TEST(ParseLine, CallsUndecryptableTextDamaged_LOG09) {
  auto line = log_line(5, "secret");
  line.pop_back();
  line.back() = line.back() == '0' ? '1' : '0';
  auto result = parse_line(line, vector_key());
  auto* damage = std::get_if<damaged_line>(&result);
  ASSERT_NE(damage, nullptr);
  EXPECT_EQ(damage->number, 5);
  EXPECT_EQ(damage->message,
            "Pod log line can not be decrypted: '" + line + "'");
  for (std::string hex : {"", "0", "zz", "00", "0c0b-", "-", "2024-01-01T"})
    EXPECT_EQ(message(ts + " |e|5|stdout|" + hex),
              "Pod log line can not be decrypted: '" + ts + " |e|5|stdout|"
                + hex + "'");
}

TEST(ParseLine, DropsTheTimeStampsInsideALongFrame_LOG09) {
  for (std::size_t size : {8'150, 8'200, 16'384, 100'000}) {
    std::string text(size, 'x');
    auto line = log_line(3, text);
    line.pop_back();
    for (std::string time :
         {"2024-01-01T17:04:05.678901234Z", "2024-01-01T17:04:05.6+02:00",
          "2024-01-01T17:04:05.123-11:30"}) {
      EXPECT_EQ(good(in_parts(line, 16'384, time)).line.line.text, text);
      // Any part size will do, also an odd one.
      EXPECT_EQ(good(in_parts(line, 8'191, time)).line.line.text, text);
      EXPECT_EQ(good(in_parts(line, 4'095, time)).line.line.text, text);
    }
  }
}

TEST(ParseLine, DropsTheTimeStampsInsideALongPlainLine_LOG09) {
  std::string text(100'000, 'x');
  auto line = ts + " |3|stdout|" + text;
  EXPECT_EQ(good(in_parts(line, 16'384, ts)).line.line.text, text);
  EXPECT_EQ(good(line).line.line.text, text);
}

TEST(ParseLine, CutsAVeryLongQuote) {
  auto text = message(std::string(100'000, 'x'));
  EXPECT_LT(text.size(), 20'000u);
  EXPECT_NE(text.find("(100000 bytes)"), std::string::npos);
}

TEST(ParseLine, DeliversBinaryAsValidUtf8_BR08) {
  auto line = log_line(1, std::string_view{"a\0b\xff", 4});
  line.pop_back();
  auto text = good(line).line.line.text;
  EXPECT_EQ(text, (std::string{"a\0b\xEF\xBF\xBD", 6}));
}
