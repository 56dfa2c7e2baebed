// Requests of scripts that wait on the volume.

#include <nlohmann/json.hpp>

#include "infra/workspace/request_file.hpp"
#include "store_fixture.hpp"

namespace cuttle::workspace::test {

namespace {

using namespace std::chrono_literals;

crypto::log_key key_of(std::uint8_t first) {
  crypto::log_key result;
  for (std::size_t i = 0; i < result.value.size(); ++i)
    result.value[i] = static_cast<std::uint8_t>(first + i);
  return result;
}

const timestamp long_ago{1'700'000'000'123ms};

start_script whole_command() {
  start_script x;
  x.ticket = {"Ticket1"};
  x.task_id = "ServerTasks-7";
  x.raw = true;
  x.isolation = isolation_level::full;
  x.isolation_timeout = 90s;
  x.isolation_mutex_name = "deploy";
  x.image = pod_image{"image:1", "https://feed", "user", "pass-word"};
  x.arguments = {"a 1", "\xFF\xFE not UTF-8", ""};
  x.service_account = "account";
  x.auth = auth_context{"space", "project", "group", "env", "tenant", "step"};
  x.platform = "linux-arm64";
  x.calamari = calamari_image{"calamari", "1.2"};
  return x;
}

void expect_same(const start_script& x, const start_script& y) {
  EXPECT_EQ(x.ticket.task_id, y.ticket.task_id);
  EXPECT_EQ(x.task_id, y.task_id);
  EXPECT_EQ(x.raw, y.raw);
  EXPECT_EQ(x.isolation, y.isolation);
  EXPECT_EQ(x.isolation_timeout, y.isolation_timeout);
  EXPECT_EQ(x.isolation_mutex_name, y.isolation_mutex_name);
  EXPECT_EQ(x.arguments, y.arguments);
  EXPECT_EQ(x.service_account, y.service_account);
  EXPECT_EQ(x.platform, y.platform);
  ASSERT_EQ(x.image.has_value(), y.image.has_value());
  if (x.image) {
    EXPECT_EQ(x.image->image, y.image->image);
    EXPECT_EQ(x.image->feed_url, y.image->feed_url);
    EXPECT_EQ(x.image->feed_username, y.image->feed_username);
    EXPECT_EQ(x.image->feed_password, y.image->feed_password);
  }
  ASSERT_EQ(x.auth.has_value(), y.auth.has_value());
  if (x.auth) {
    EXPECT_EQ(x.auth->space_slug, y.auth->space_slug);
    EXPECT_EQ(x.auth->project_slug, y.auth->project_slug);
    EXPECT_EQ(x.auth->project_group_slug, y.auth->project_group_slug);
    EXPECT_EQ(x.auth->environment_slug, y.auth->environment_slug);
    EXPECT_EQ(x.auth->tenant_slug, y.auth->tenant_slug);
    EXPECT_EQ(x.auth->step_slug, y.auth->step_slug);
  }
  ASSERT_EQ(x.calamari.has_value(), y.calamari.has_value());
  if (x.calamari) {
    EXPECT_EQ(x.calamari->name, y.calamari->name);
    EXPECT_EQ(x.calamari->version, y.calamari->version);
  }
}

class RequestTest : public store_test {
protected:
  template <class T, class F>
  outcome<T> wait_for(F call) {
    std::promise<outcome<T>> promise;
    auto result = promise.get_future();
    call([&](outcome<T> x) { promise.set_value(std::move(x)); });
    return result.get();
  }

  outcome<void> keep(start_script command, timestamp since = long_ago,
                     bool with_workspace = true) {
    request_keeping how{seal_, since, {}};
    if (with_workspace)
      how.workspace = [] { return key_of(9); };
    return wait_for<void>([&](auto done) {
      store_->keep(std::move(command), std::move(how), done);
    });
  }

  std::vector<kept_request> list() {
    auto result = wait_for<std::vector<kept_request>>(
      [&](auto done) { store_->list_requests(seal_, done); });
    EXPECT_TRUE(result) << (result ? "" : result.error().text);
    return result.value_or(std::vector<kept_request>{});
  }

  outcome<start_script> load(const std::string& name) {
    return wait_for<start_script>(
      [&](auto done) { store_->load_request({name}, seal_, done); });
  }

  fs::path file(const std::string& name) const {
    return queue_directory(home_) / (name + ".request");
  }

  fs::path workspace(const std::string& name) const {
    return home_ / "Work" / name;
  }

  crypto::log_key seal_ = key_of(1);
};

TEST(Request, ComesBackWithEveryMemberButScriptAndFiles) {
  auto x = whole_command();
  auto back = decode_request(encode_request(x, long_ago));
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_EQ(back->since, long_ago);
  EXPECT_EQ(back->ticket.task_id, "Ticket1");
  expect_same(*back->command, x);
  start_script bare;
  bare.ticket = {"T"};
  back = decode_request(encode_request(bare, long_ago));
  ASSERT_TRUE(back);
  expect_same(*back->command, bare);
}

TEST(Request, IsRefusedWhenItIsCutOrChanged) {
  auto text = encode_request(whole_command(), long_ago);
  for (std::size_t n = 0; n < text.size(); ++n)
    EXPECT_FALSE(decode_request(text.substr(0, n))) << n;
  EXPECT_FALSE(decode_request(text + "x"));
  for (std::size_t n = 0; n < text.size(); ++n) {
    auto other = text;
    other[n] = static_cast<char>(other[n] ^ 0x55);
    (void)decode_request(other);
  }
}

// Found by the fuzzer.
TEST(Request, IsRefusedWhenItClaimsAnImpossibleSize) {
  const std::string huge(8, '\xbb');
  // Arrays, objects, texts and bytes of that many elements.
  for (auto kind : {'\x9b', '\xbb', '\x7b', '\x5b'})
    EXPECT_FALSE(decode_request(kind + huge)) << static_cast<int>(kind);
}

// Found by the fuzzer: a fraction beyond the range was converted all the same.
TEST(Request, IsRefusedWhenANumberIsNotWhole) {
  using nlohmann::json;
  const auto good = json::from_cbor(encode_request(whole_command(), long_ago));
  for (auto name : {"format", "since_ms", "mutex_ms"}) {
    for (const auto& value : {json(2.35e167), json(1.0), json(true)}) {
      auto x = good;
      x[name] = value;
      std::string text;
      json::to_cbor(x, text);
      EXPECT_FALSE(decode_request(text)) << name << ": " << value;
    }
  }
}

TEST_F(RequestTest, OutlivesTheProcessWithItsWorkspace_RST01) {
  auto x = whole_command();
  x.script_body = "echo hello\r\n";
  x.files.push_back(store_test::file("data.txt", "content"));
  x.files.push_back({"spooled.txt", spooled("from a file"), {}});
  ASSERT_TRUE(keep(x));
  restart();
  auto found = list();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].since, long_ago);
  ASSERT_TRUE(found[0].command);
  expect_same(*found[0].command, whole_command());
  auto loaded = load("Ticket1");
  ASSERT_TRUE(loaded) << loaded.error().text;
  expect_same(*loaded, whole_command());
  EXPECT_EQ(loaded->script_body, "echo hello\n");
  EXPECT_EQ(read_file(workspace("Ticket1") / "data.txt"), "content");
  EXPECT_EQ(read_file(workspace("Ticket1") / "spooled.txt"), "from a file");
}

TEST_F(RequestTest, TellsTheRunnerWhereTheNewWorkerIs) {
  options_.link_address = "10.0.0.1:8081";
  restart();
  ASSERT_TRUE(keep(whole_command()));
  options_.link_address = "10.0.0.2:8081";
  restart();
  ASSERT_TRUE(load("Ticket1"));
  auto told = false;
  for (auto& x : fs::directory_iterator{workspace("Ticket1")})
    if (x.is_regular_file()
        && read_file(x.path()).find("10.0.0.2:8081") != std::string::npos)
      told = true;
  EXPECT_TRUE(told);
}

TEST_F(RequestTest, ComesInTheOrderOfItsTime) {
  int n = 0;
  for (auto* name : {"B", "C", "A"}) {
    auto x = command("true", name);
    ASSERT_TRUE(keep(x, long_ago + std::chrono::seconds{n++}));
  }
  auto found = list();
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].ticket.task_id, "B");
  EXPECT_EQ(found[1].ticket.task_id, "C");
  EXPECT_EQ(found[2].ticket.task_id, "A");
}

TEST_F(RequestTest, ShowsNothingOfItsContentOnTheVolume) {
  ASSERT_TRUE(keep(whole_command()));
  auto text = read_file(file("Ticket1"));
  for (auto* part : {"pass-word", "account", "deploy", "ServerTasks"})
    EXPECT_EQ(text.find(part), std::string::npos) << part;
  EXPECT_EQ(mode_of(file("Ticket1")), 0600u);
  EXPECT_EQ(mode_of(queue_directory(home_)), 0700u);
}

TEST_F(RequestTest, ThatSomebodyChangedIsNotRun) {
  ASSERT_TRUE(keep(whole_command()));
  auto good = read_file(file("Ticket1"));
  auto refused = [&](const std::string& text) {
    write_plain(file("Ticket1"), text);
    auto loaded = load("Ticket1");
    EXPECT_EQ(loaded ? errc::none : loaded.error().code, errc::invalid_request);
    auto found = list();
    ASSERT_EQ(found.size(), 1u);
    EXPECT_FALSE(found[0].command);
    EXPECT_FALSE(found[0].reason.text.empty());
  };
  auto other = good;
  other[other.size() / 2] = static_cast<char>(other[other.size() / 2] ^ 1);
  refused(other);
  refused("");
  refused(good.substr(1));
  // That of another script, under this one's name.
  ASSERT_TRUE(keep(command("true", "Other")));
  auto foreign = read_file(file("Other"));
  fs::remove(file("Other"));
  refused(foreign);
  write_plain(file("Ticket1"), good);
  EXPECT_TRUE(load("Ticket1"));
  seal_ = key_of(77);
  EXPECT_FALSE(load("Ticket1")) << "of another installation";
}

TEST_F(RequestTest, ThatIsALinkOrAFolderIsNotRead) {
  ASSERT_TRUE(keep(whole_command()));
  fs::rename(file("Ticket1"), root_ / "elsewhere");
  fs::create_symlink(root_ / "elsewhere", file("Ticket1"));
  EXPECT_FALSE(load("Ticket1"));
  fs::remove(file("Ticket1"));
  fs::create_directory(file("Ticket1"));
  EXPECT_FALSE(load("Ticket1"));
}

TEST_F(RequestTest, IsDroppedAloneOrRemovedWithItsWorkspace) {
  ASSERT_TRUE(keep(whole_command()));
  auto drop = [&] {
    return wait_for<void>(
      [&](auto done) { store_->drop_request({"Ticket1"}, done); });
  };
  EXPECT_TRUE(drop());
  EXPECT_TRUE(drop()) << "twice is harmless";
  EXPECT_TRUE(list().empty());
  EXPECT_TRUE(fs::exists(workspace("Ticket1")));
  auto loaded = load("Ticket1");
  EXPECT_EQ(loaded ? errc::none : loaded.error().code, errc::not_found);
  ASSERT_TRUE(keep(whole_command(), long_ago, false))
    << "the workspace is there";
  EXPECT_EQ(list().size(), 1u);
  EXPECT_TRUE(
    wait_for<void>([&](auto done) { store_->remove({"Ticket1"}, done); }));
  EXPECT_TRUE(list().empty());
  EXPECT_FALSE(fs::exists(workspace("Ticket1")));
}

TEST_F(RequestTest, WhoseWorkspaceIsGoneIsNotFound) {
  ASSERT_TRUE(keep(whole_command()));
  fs::remove_all(workspace("Ticket1"));
  auto loaded = load("Ticket1");
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, errc::not_found);
}

TEST_F(RequestTest, OnAFullVolumeIsRefusedAndLeavesNothing_WS07) {
  options_.required_free_bytes = std::uint64_t{1} << 62;
  restart();
  auto kept = keep(whole_command());
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().code, errc::overloaded);
  EXPECT_TRUE(list().empty());
  EXPECT_FALSE(fs::exists(workspace("Ticket1")));
}

TEST_F(RequestTest, FilesThatAreNoneAreLeftAlone) {
  ASSERT_TRUE(keep(whole_command()));
  write_plain(queue_directory(home_) / ".cuttle-0123", "half a file");
  write_plain(queue_directory(home_) / "...request", "x");
  EXPECT_EQ(list().size(), 1u);
}

} // namespace

} // namespace cuttle::workspace::test
