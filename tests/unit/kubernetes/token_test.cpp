#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

#include "infra/kubernetes/api_client.hpp"
#include "tests/unit/kubernetes/inbox.hpp"
#include "tests/unit/kubernetes/scripted_server.hpp"

using namespace cuttle;
using namespace cuttle::kubernetes;
using namespace cuttle::kubernetes::test;

namespace {

constexpr auto pod_text = R"({"metadata":{"name":"p"}})";

class TokenFile : public testing::Test {
protected:
  TokenFile()
    : file_(std::filesystem::temp_directory_path()
            / ("cuttle-token-" + std::to_string(getpid()))) {}

  ~TokenFile() override {
    std::filesystem::remove(file_);
  }

  /// Writes a token; with the time of the last one when `unnoticed`.
  void write(const std::string& token, bool unnoticed = false) {
    std::filesystem::file_time_type old{};
    if (unnoticed)
      old = std::filesystem::last_write_time(file_);
    std::ofstream{file_} << token << '\n';
    if (unnoticed)
      std::filesystem::last_write_time(file_, old);
    else
      std::filesystem::last_write_time(
        file_, std::filesystem::file_time_type::clock::now()
                 + std::chrono::seconds{++writes_});
  }

  kubernetes::access where(scripted_server& server) {
    auto result = server.where();
    result.token.clear();
    result.token_file = file_;
    return result;
  }

  outcome<pod_snapshot> get(api_client& client) {
    auto results = std::make_shared<inbox<outcome<pod_snapshot>>>();
    client.get_pod(
      "p", [results](outcome<pod_snapshot> x) { results->put(std::move(x)); });
    return results->take().value_or(
      fail(errc::deadline_exceeded, "No answer came."));
  }

  /// Accepts only this token.
  static scripted_server::handler only(std::string token) {
    return [token](const seen_request& in, exchange& out) {
      auto i = in.headers.find("authorization");
      if (i != in.headers.end() && i->second == "Bearer " + token)
        out.respond(200, pod_text);
      else
        out.respond(401, R"({"kind":"Status","message":"Unauthorized"})");
    };
  }

  std::filesystem::path file_;
  int writes_ = 0;
};

} // namespace

TEST_F(TokenFile, IsReadAgainWhenItChanges) {
  scripted_server server{only("second")};
  write("first");
  api_client client{where(server)};
  EXPECT_FALSE(get(client));
  EXPECT_EQ(server.count("GET"), 2);
  write("second");
  EXPECT_TRUE(get(client));
  EXPECT_EQ(server.count("GET"), 3);
}

TEST_F(TokenFile, IsReadAgainAfter401AndTheRequestRepeatedOnce) {
  std::atomic<bool> changed{false};
  scripted_server server{[&](const seen_request& in, exchange& out) {
    if (!changed.exchange(true))
      write("second", true);
    only("second")(in, out);
  }};
  write("first");
  api_client client{where(server)};
  auto pod = get(client);
  EXPECT_TRUE(pod) << pod.error().text;
  EXPECT_EQ(server.count("GET"), 2);
}

TEST_F(TokenFile, ThatIsRefusedOnceLetsACreationTellOnceThatItGoesOut) {
  std::atomic<int> sent{0};
  std::atomic<int> sent_before_the_request{0};
  scripted_server server{[&](const seen_request& in, exchange& out) {
    if (sent_before_the_request == 0) {
      sent_before_the_request = sent.load();
      write("second", true);
    }
    only("second")(in, out);
  }};
  write("first");
  api_client client{where(server)};
  inbox<creation_outcome> results;
  client.create_pod(
    pod_text,
    {[&] { ++sent; }, [&](creation_outcome x) { results.put(std::move(x)); }});
  auto made = results.take();
  ASSERT_TRUE(made);
  EXPECT_TRUE(*made);
  EXPECT_EQ(server.count("POST"), 2);
  EXPECT_EQ(sent_before_the_request, 1);
  EXPECT_EQ(sent, 1);
}

TEST_F(TokenFile, ThatStaysRefusedIsAFailureWithoutTheToken) {
  scripted_server server{only("other")};
  write("first");
  api_client client{where(server)};
  auto pod = get(client);
  ASSERT_FALSE(pod);
  EXPECT_EQ(pod.error().code, errc::forbidden);
  EXPECT_EQ(pod.error().text.find("first"), std::string::npos);
  EXPECT_NE(pod.error().text.find("Unauthorized"), std::string::npos);
  EXPECT_EQ(server.count("GET"), 2);
}

TEST_F(TokenFile, ThatIsGoneLeavesTheLastTokenInUse) {
  scripted_server server{only("first")};
  write("first");
  api_client client{where(server)};
  EXPECT_TRUE(get(client));
  std::filesystem::remove(file_);
  EXPECT_TRUE(get(client));
}

TEST_F(TokenFile, IsNotWaitedForWhenTheTokenIsFixed) {
  scripted_server server{only("other")};
  api_client client{server.where()};
  auto pod = get(client);
  ASSERT_FALSE(pod);
  EXPECT_EQ(pod.error().code, errc::forbidden);
  EXPECT_EQ(server.count("GET"), 1);
}

TEST_F(TokenFile, CannotSmuggleAHeader) {
  scripted_server server{[](const seen_request& in, exchange& out) {
    out.respond(in.headers.contains("evil") ? 500 : 200, pod_text);
  }};
  auto where = server.where();
  where.token = "a\r\nEvil: 1";
  api_client client{where};
  EXPECT_TRUE(get(client));
}
