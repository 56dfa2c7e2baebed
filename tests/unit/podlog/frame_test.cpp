#include <gtest/gtest.h>
#include <set>

#include "infra/podlog/frame.hpp"
#include "infra/podlog/gcm.hpp"
#include "tests/unit/podlog/sample.hpp"

using namespace cuttle;
using namespace cuttle::podlog;

namespace {

constexpr std::array<std::uint8_t, 12> vector_nonce{0x0c, 0x0b, 0x0a, 9, 8, 7,
                                                    6,    5,    4,    3, 2, 1};

std::string sealed_hex(std::string_view text) {
  gcm cipher{test::vector_key().value};
  crypto::bytes out(text.size() + 28);
  cipher.seal(vector_nonce, text, out.data());
  return crypto::to_hex(out);
}

std::string text_of(std::string_view line) {
  auto result = parse_line(line, test::vector_key());
  auto* good = std::get_if<parsed_line>(&result);
  return good ? good->line.line.text : std::get<damaged_line>(result).message;
}

struct vector_row {
  const char* text;
  const char* hex;
};

constexpr vector_row vectors[] = {
  {"a cool message", "0c0b0a090807060504030201416ce819a896623cee784f92807857b9"
                     "be36bd6075461789031a3d29aef1"},
  {"##octopus[stdout-verbose]",
   "0c0b0a090807060504030201036fe415b3953224f8504f8783723ca65dca38cd3eab365c4d"
   "10d4efad161112e96cd449c6a52348ef"},
  {"EOS-075CD4F0-8C76-491D-BA76-0879D35E9CFE<<>>0",
   "0c0b0a0908070605040302016503d85bf7cd7712cf3f7ac3ca250ae5469169866d80687b51"
   "b3cede4af296732090b9a9577055be3ced266ceb9eecd094a74f8df65c95ab33d9f5170c"},
  {"", "0c0b0a090807060504030201b5febfaa4fa5b101d24d3b9d3d750483"},
};

} // namespace

TEST(Frame, SealsTheVectorsToTheExactHex_GCM01) {
  for (const auto& row : vectors)
    EXPECT_EQ(sealed_hex(row.text), row.hex);
}

TEST(Frame, OpensTheVectors_GCM01) {
  for (const auto& row : vectors)
    EXPECT_EQ(text_of(std::string{test::stamp} + " |e|1|debug|" + row.hex),
              row.text);
  EXPECT_EQ(text_of(std::string{test::stamp}
                    + " |e|1|stdout|531f69408fcc09129a42b46b93c7c14fe7c36fec74a"
                      "c77929b4e1f29b6b0c1e7cfe78055ceee24fbca5f9097501b5cb548"
                      "f78928b5"),
            "##octopus[stdout-verbose]");
}

TEST(Frame, DerivesTheKeysOfTheVectors_KEY01) {
  crypto::bytes machine_key(32);
  for (std::uint8_t i = 0; i < 32; ++i)
    machine_key[i] = i;
  auto hex = [&](const char* ticket) {
    return crypto::to_hex(crypto::derive_log_key(machine_key, ticket).value);
  };
  EXPECT_EQ(hex("abc"), "c008487cca53088a74b1d8070b4a60d129311897766360190b1a1"
                        "86a66f06e2d");
  EXPECT_EQ(hex("ScriptTicketId"), "4138c58372c10b5835b863d369606c331e823207971"
                                   "2e25c98ddafecc55c6c43");
  EXPECT_EQ(hex("20240403060310-1-x"), "7d045f8e094ead32283a68e58641cedfe6deb1"
                                       "2eda98cb7a14a2352837ad1a1b");
  EXPECT_EQ(crypto::to_base64(crypto::derive_log_key(machine_key, "abc").value),
            "wAhIfMpTCIp0sdgHC0pg0SkxGJd2Y2AZCxoYambwbi0=");
}

TEST(Frame, HasTheFieldsInOrderAndLowerCaseHex_BR04) {
  std::string out = "before";
  append_frame(out, test::vector_key(), 42, output_source::err, "");
  EXPECT_EQ(out.substr(0, 18), "before|e|42|stderr");
  EXPECT_EQ(out.back(), '\n');
  auto hex = out.substr(19, out.size() - 20);
  EXPECT_EQ(hex.size(), 56u);
  EXPECT_EQ(hex.find_first_not_of("0123456789abcdef"), std::string::npos);
}

TEST(Frame, NeverUsesANonceTwice_BR04) {
  frame_sealer sealer{test::vector_key().value};
  std::set<std::string> nonces;
  for (auto i = 1; i <= 1000; ++i) {
    std::string out;
    sealer.append(out, 1, output_source::out, "");
    nonces.insert(out.substr(12, 24));
  }
  EXPECT_EQ(nonces.size(), 1000u);
}

TEST(Frame, ComesBackUnchangedForEachSourceAndSize) {
  frame_sealer sealer{test::vector_key().value};
  line_parser parser{test::vector_key()};
  for (auto source :
       {output_source::out, output_source::err, output_source::debug}) {
    for (std::size_t size : {0, 1, 15, 16, 17, 4096, 70'000}) {
      std::string text(size, 'x');
      std::string line = std::string{test::stamp} + " ";
      sealer.append(line, 7, source, text);
      line.pop_back();
      auto result = parser.parse(line);
      auto* good = std::get_if<parsed_line>(&result);
      ASSERT_NE(good, nullptr);
      EXPECT_EQ(good->line.number, 7);
      EXPECT_EQ(good->line.line.source, source);
      EXPECT_EQ(good->line.line.text, text);
      EXPECT_FALSE(good->exit_code);
    }
  }
}

TEST(Frame, TakesKeysOf16And24And32BytesOnly_BR03) {
  for (std::size_t size : {16, 24, 32}) {
    crypto::bytes key(size, 1);
    gcm cipher{key};
    crypto::bytes out(5 + 28);
    cipher.seal(vector_nonce, "hello", out.data());
    std::string text;
    EXPECT_TRUE(cipher.open(out, text));
    EXPECT_EQ(text, "hello");
  }
  for (std::size_t size : {0, 15, 31, 33})
    EXPECT_THROW(gcm{crypto::bytes(size)}, std::invalid_argument);
}

TEST(Frame, DoesNotOpenWhatWasChanged) {
  gcm cipher{test::vector_key().value};
  crypto::bytes out(5 + 28);
  cipher.seal(vector_nonce, "hello", out.data());
  for (auto& byte : out) {
    byte ^= 1;
    std::string text;
    EXPECT_FALSE(cipher.open(out, text));
    EXPECT_TRUE(text.empty());
    byte ^= 1;
  }
}
