#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>

#include "infra/crypto/cipher.hpp"

namespace cuttle::crypto {

namespace {

bytes counting(std::size_t size) {
  bytes result(size);
  std::iota(result.begin(), result.end(), std::uint8_t{0});
  return result;
}

bytes hex(std::string_view text) {
  return from_hex(text).value();
}

log_key gcm_key() {
  log_key result;
  std::string_view text = "qwertyuioplkjhgfdsazxcvbnmqwertd";
  std::copy(text.begin(), text.end(), result.value.begin());
  return result;
}

constexpr std::array<std::uint8_t, 12> gcm_nonce{
  0x0c, 0x0b, 0x0a, 0x09, 0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01};

struct gcm_vector {
  std::string_view text;
  std::string_view sealed;
};

constexpr gcm_vector gcm_vectors[] = {
  {"a cool message",
   "0c0b0a090807060504030201416ce819a896623cee784f92807857b9be36bd6075461789"
   "031a3d29aef1"},
  {"##octopus[stdout-verbose]",
   "0c0b0a090807060504030201036fe415b3953224f8504f8783723ca65dca38cd3eab365c"
   "4d10d4efad161112e96cd449c6a52348ef"},
  {"EOS-075CD4F0-8C76-491D-BA76-0879D35E9CFE<<>>0",
   "0c0b0a0908070605040302016503d85bf7cd7712cf3f7ac3ca250ae5469169866d80687b"
   "51b3cede4af296732090b9a9577055be3ced266ceb9eecd094a74f8df65c95ab33d9f517"
   "0c"},
  {"", "0c0b0a090807060504030201b5febfaa4fa5b101d24d3b9d3d750483"},
};

} // namespace

TEST(LogKey, IsDerivedFromMachineKeyAndTicket_KEY01) {
  auto machine_key = counting(32);
  auto key = [&](std::string_view ticket) {
    return to_hex(derive_log_key(machine_key, ticket).value);
  };
  EXPECT_EQ(key("abc"), "c008487cca53088a74b1d8070b4a60d1"
                        "29311897766360190b1a186a66f06e2d");
  EXPECT_EQ(key("ScriptTicketId"), "4138c58372c10b5835b863d369606c33"
                                   "1e8232079712e25c98ddafecc55c6c43");
  EXPECT_EQ(key("20240403060310-1-x"), "7d045f8e094ead32283a68e58641cedf"
                                       "e6deb12eda98cb7a14a2352837ad1a1b");
  EXPECT_EQ(to_base64(derive_log_key(machine_key, "abc").value),
            "wAhIfMpTCIp0sdgHC0pg0SkxGJd2Y2AZCxoYambwbi0=");
}

TEST(LogKey, DependsOnTheCaseOfTheTicket_KEY03) {
  auto machine_key = counting(32);
  EXPECT_NE(derive_log_key(machine_key, "abc"),
            derive_log_key(machine_key, "ABC"));
}

TEST(LineCipher, SealsTheVectors_GCM01) {
  for (auto& vector : gcm_vectors)
    EXPECT_EQ(to_hex(seal(gcm_key(), gcm_nonce, vector.text)), vector.sealed);
}

TEST(LineCipher, OpensTheVectors_GCM01) {
  for (auto& vector : gcm_vectors)
    EXPECT_EQ(open(gcm_key(), hex(vector.sealed)), std::string{vector.text});
  EXPECT_EQ(open(gcm_key(),
                 hex("531f69408fcc09129a42b46b93c7c14fe7c36fec74ac77929b4e1f29"
                     "b6b0c1e7cfe78055ceee24fbca5f9097501b5cb548f78928b5")),
            "##octopus[stdout-verbose]");
}

TEST(LineCipher, GivesFiftySixHexDigitsForAnEmptyLine_BR04) {
  EXPECT_EQ(to_hex(seal(gcm_key(), gcm_nonce, "")).size(), 56u);
}

TEST(LineCipher, RejectsEveryChangedBit_BR04) {
  auto sealed = seal(gcm_key(), gcm_nonce, "a cool message");
  for (std::size_t i = 0; i < 8 * sealed.size(); ++i) {
    auto changed = sealed;
    changed[i / 8] ^= static_cast<std::uint8_t>(1 << i % 8);
    EXPECT_EQ(open(gcm_key(), changed), std::nullopt) << "bit " << i;
  }
}

TEST(LineCipher, RejectsEveryTruncation_BR04) {
  auto sealed = seal(gcm_key(), gcm_nonce, "a cool message");
  for (std::size_t size = 0; size < sealed.size(); ++size)
    EXPECT_EQ(open(gcm_key(), byte_span{sealed}.first(size)), std::nullopt);
}

TEST(LineCipher, TakesALineOfTenMebibytes) {
  std::string text(10 * 1024 * 1024, 'x');
  EXPECT_EQ(open(gcm_key(), seal(gcm_key(), gcm_nonce, text)), text);
}

TEST(SettingCipher, RoundTripsEveryPaddingLength_CFG13) {
  auto key = counting(32);
  auto iv = counting(16);
  for (std::size_t size = 0; size <= 48; ++size) {
    std::string text(size, 'a');
    auto sealed = encrypt_setting(key, iv, text);
    EXPECT_EQ(sealed.size(), (size / 16 + 1) * 16);
    EXPECT_EQ(as_text(decrypt_setting(key, iv, sealed).value()), text);
  }
}

// Known answer of `openssl enc -aes-256-cbc` with the same key and vector.
TEST(SettingCipher, AgreesWithAnotherImplementation_CFG13) {
  EXPECT_EQ(to_base64(encrypt_setting(counting(32), counting(16), "geheim")),
            "MrkGruHHnn5CgHoVx9DbQQ==");
}

TEST(SettingCipher, SaysWhatIsWrong_CFG13) {
  auto key = counting(32);
  auto iv = counting(16);
  auto sealed = encrypt_setting(key, iv, "geheim");
  auto cut = decrypt_setting(key, iv, byte_span{sealed}.first(15));
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, errc::invalid_request);
  EXPECT_NE(cut.error().text.find("cut off"), std::string::npos);
  auto short_key = decrypt_setting(counting(16), iv, sealed);
  ASSERT_FALSE(short_key);
  EXPECT_NE(short_key.error().text.find("32 bytes"), std::string::npos);
  auto other = counting(32);
  other[0] = 0xFF;
  auto foreign = decrypt_setting(other, iv, sealed);
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().text.find("geheim"), std::string::npos);
}

TEST(ScriptFileCipher, WritesTheVector_WS05) {
  std::array<std::uint8_t, 16> iv;
  std::iota(iv.begin(), iv.end(), std::uint8_t{0});
  EXPECT_EQ(
    to_hex(encrypt_script_file("secret", as_bytes("h\xC3\xA9llo\n"), iv)),
    "49565f5f000102030405060708090a0b0c0d0e0f"
    "59ba9c4b23dbc0a08a7ab38fa8e2baf7");
}

TEST(ScriptFileCipher, GivesTheSameForEveryEncodingOfTheText_WS05) {
  std::array<std::uint8_t, 16> iv;
  std::iota(iv.begin(), iv.end(), std::uint8_t{0});
  auto expected = encrypt_script_file("secret", as_bytes("h\xC3\xA9"), iv);
  for (auto text : {"efbbbf68c3a9", "fffe6800e900", "feff006800e9",
                    "fffe000068000000e9000000", "0000feff00000068000000e9"})
    EXPECT_EQ(encrypt_script_file("secret", hex(text), iv), expected) << text;
}

TEST(Digest, MatchesTheSlugVectors_POD04) {
  EXPECT_EQ(sha1_hex_upper(as_bytes("default")),
            "7505D64A54E061B7ACD54CCD58B49DC43500B635");
  EXPECT_EQ(sha1_hex_upper(as_bytes("guestbook")),
            "D0AF7B913CFC97DC7B5CF85099D2FEC21CAFE142");
  EXPECT_EQ(sha1_hex_upper(as_bytes("dev-a")),
            "A130C279151398B6631FBA5055A0ADB42E84812F");
}

TEST(Digest, MatchesTheStandardsVectors) {
  EXPECT_EQ(sha1_hex_lower(as_bytes("abc")),
            "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(sha1_hex_lower({}), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(to_hex(sha256(as_bytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Digest, IsTheSameInPieces_RPC16) {
  auto data = counting(251);
  for (std::size_t cut = 0; cut <= data.size(); ++cut) {
    sha1_stream stream;
    stream.update(byte_span{data}.first(cut));
    stream.update(byte_span{data}.subspan(cut));
    EXPECT_EQ(stream.finish(), sha1_hex_lower(data));
  }
}

TEST(RandomBytes, DifferEachTime) {
  std::array<std::uint8_t, 32> first{};
  std::array<std::uint8_t, 32> second{};
  random_bytes(first);
  random_bytes(second);
  EXPECT_NE(first, second);
}

} // namespace cuttle::crypto
