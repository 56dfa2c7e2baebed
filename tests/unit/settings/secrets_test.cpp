// What the worker reads of its keys leaves no copy in memory that it gave back.

#include <gtest/gtest.h>

#include "infra/crypto/log_keys.hpp"
#include "infra/settings/settings.hpp"
#include "tests/unit/settings/freed_memory.hpp"

namespace cuttle::settings {

using test::freed_memory;
using strings = std::vector<std::string>;

namespace {

class Secrets : public testing::Test {
protected:
  void SetUp() override {
    auto identity = crypto::identity::generate();
    ASSERT_TRUE(identity);
    secret_ = new_machine_keys();
    key_ = secret_.at("machine-key");
    iv_ = secret_.at("machine-iv");
    map_ = identity_entries(*identity, crypto::as_bytes(key_),
                            crypto::as_bytes(iv_));
    // As it is stored: a PFX differs each time it is written.
    auto sealed = crypto::from_base64(map_.at("Tentacle.Certificate"));
    ASSERT_TRUE(sealed);
    auto text = crypto::decrypt_setting(crypto::as_bytes(key_),
                                        crypto::as_bytes(iv_), *sealed);
    ASSERT_TRUE(text);
    pfx_text_ = crypto::as_text(*text);
    auto pfx = crypto::from_base64(pfx_text_);
    ASSERT_TRUE(pfx);
    pfx_ = crypto::as_text(*pfx);
    auto log_key
      = crypto::derive_log_key(crypto::as_bytes(key_), "ticket-of-a-task");
    log_key_ = crypto::as_text(log_key.value);
  }

  std::vector<freed_memory::secret> all() const {
    using view = std::string_view;
    return {{"machine key", key_},
            {"text of the certificate", view{pfx_text_}.substr(400, 64)},
            {"certificate", view{pfx_}.substr(300, 48)},
            {"log key", log_key_}};
  }

  string_map map_;
  string_map secret_;
  std::string key_;
  std::string iv_;
  std::string pfx_text_;
  std::string pfx_;
  std::string log_key_;
};

} // namespace

TEST_F(Secrets, AreOverwrittenWhenTheirMemoryIsGivenBack) {
  freed_memory memory{all()};
  {
    auto stored = read_stored(map_, secret_);
    ASSERT_TRUE(stored);
    ASSERT_TRUE(stored->identity.valid());
    crypto::log_keys keys{stored->machine_key, 1};
    EXPECT_EQ(crypto::as_text(keys.of("ticket-of-a-task").value), log_key_);
    // (which forgets the first one)
    keys.of("another-ticket");
  }
  wipe(secret_);
  secret_.clear();
  EXPECT_EQ(memory.found(), strings{});
}

// The watch itself: plain copies are found.
TEST_F(Secrets, AreFoundInMemoryThatIsNotOverwritten) {
  freed_memory memory{all()};
  for (auto* text : {&key_, &pfx_text_, &pfx_, &log_key_}) {
    crypto::bytes copy{text->begin(), text->end()};
    ASSERT_EQ(copy.size(), text->size());
  }
  EXPECT_EQ(memory.found(), (strings{"machine key", "text of the certificate",
                                     "certificate", "log key"}));
}

} // namespace cuttle::settings
