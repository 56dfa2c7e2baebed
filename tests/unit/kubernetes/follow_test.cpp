#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

#include "infra/kubernetes/api_client.hpp"
#include "infra/kubernetes/kubelet_notice.hpp"
#include "tests/unit/kubernetes/inbox.hpp"
#include "tests/unit/kubernetes/scripted_server.hpp"

using namespace cuttle;
using namespace cuttle::kubernetes;
using namespace cuttle::kubernetes::test;
using namespace std::chrono_literals;
using testing::HasSubstr;

namespace {

constexpr auto notice
  = "failed to create fsnotify watcher: too many open files";

class Follow : public testing::Test {
protected:
  void serve(std::function<void(exchange&)> f) {
    server_ = std::make_unique<scripted_server>(
      [f](const seen_request&, exchange& out) { f(out); });
    client_ = std::make_unique<api_client>(server_->where());
  }

  log_callbacks callbacks() {
    return {[this](std::string_view bytes) {
              std::lock_guard guard{mutex_};
              log_ += bytes;
            },
            [this](const failure& why) { ends_.put(why); }};
  }

  failure follow(std::optional<timestamp> since = {}) {
    client_->follow_log({"p", "c", since}, callbacks());
    return ends_.take().value_or(failure{errc::internal, "No end came."});
  }

  std::mutex mutex_;
  std::string log_;
  inbox<failure> ends_;
  std::unique_ptr<scripted_server> server_;
  std::unique_ptr<api_client> client_;
};

} // namespace

TEST_F(Follow, GivesTheBytesAndAGoodEnd_LOG01) {
  serve([](exchange& out) {
    out.begin();
    out.piece("2026-01-01T00:00:00Z a\n2026-");
    out.piece("01-01T00:00:01Z b\n");
    out.finish();
  });
  auto end = follow();
  EXPECT_EQ(end.code, errc::none) << end.text;
  EXPECT_EQ(log_, "2026-01-01T00:00:00Z a\n2026-01-01T00:00:01Z b\n");
  EXPECT_EQ(server_->requests()[0].target,
            "/api/v1/namespaces/ns/pods/p/log?container=c&timestamps=true"
            "&follow=true");
}

TEST_F(Follow, AsksFromTheSecondOn_LOG04) {
  serve([](exchange& out) { out.respond(200, ""); });
  auto since = timestamp{std::chrono::sys_days{std::chrono::year{2026} / 3 / 4}}
               + 5h + 6min + 7s + 999ms;
  EXPECT_EQ(follow(since).code, errc::none);
  EXPECT_THAT(server_->requests()[0].target,
              HasSubstr("&sinceTime=2026-03-04T05%3A06%3A07Z"));
}

TEST_F(Follow, EndsWithTheReason_LOG02) {
  const std::pair<int, errc> table[] = {
    {404, errc::not_found}, {400, errc::not_found},   {403, errc::forbidden},
    {401, errc::forbidden}, {500, errc::unavailable}, {429, errc::unavailable}};
  for (auto& [code, expected] : table) {
    serve([code = code](exchange& out) {
      out.respond(code, R"({"kind":"Status","message":"words"})");
    });
    auto end = follow();
    EXPECT_EQ(end.code, expected) << code;
    EXPECT_THAT(end.text, HasSubstr("follow the log of pod 'p': words."));
    EXPECT_EQ(server_->requests().size(), 1u);
  }
  EXPECT_EQ(log_, "");
}

TEST_F(Follow, TellsACutFromAnEnd) {
  serve([](exchange& out) {
    out.begin();
    out.piece("2026-01-01T00:00:00Z a\n");
    out.cut();
  });
  EXPECT_EQ(follow().code, errc::unavailable);
  EXPECT_EQ(log_, "2026-01-01T00:00:00Z a\n");
}

TEST_F(Follow, TakesOutTheKubeletsNoticeAndAsksToComeAgain) {
  for (std::string before : {"", "2026-01-01T00:00:00Z a\n"}) {
    log_.clear();
    serve([&](exchange& out) {
      out.begin();
      if (!before.empty())
        out.piece(before);
      for (auto c : std::string(notice))
        out.piece({&c, 1});
      out.finish();
    });
    auto end = follow();
    EXPECT_EQ(end.code, errc::unavailable);
    EXPECT_THAT(end.text, HasSubstr("max_user_instances"));
    EXPECT_EQ(log_, before);
  }
}

TEST_F(Follow, PassesOnThatTheLogIsGone_LOG08) {
  auto text = "unable to retrieve container logs for containerd://abc";
  serve([&](exchange& out) { out.respond(200, text); });
  EXPECT_EQ(follow().code, errc::none);
  EXPECT_EQ(log_, text);
}

TEST_F(Follow, HoldsTheSenderBackWhilePaused) {
  constexpr size_t total = 48 * 1024 * 1024;
  std::atomic<size_t> sent{0};
  inbox<size_t> stalled;
  serve([&](exchange& out) {
    out.on_stall = [&] { stalled.put(sent); };
    out.begin();
    std::string piece(64 * 1024, 'x');
    while (sent < total && out.piece(piece))
      sent += piece.size();
    out.finish();
  });
  std::atomic<size_t> received{0};
  std::atomic<bool> first{true};
  std::atomic<call_id> id{0};
  inbox<bool> known;
  id = client_->follow_log({"p", "c", {}},
                           {[&](std::string_view bytes) {
                              received += bytes.size();
                              if (first.exchange(false)) {
                                known.take();
                                client_->pause(id);
                              }
                            },
                            [&](const failure& why) { ends_.put(why); }});
  known.put(true);
  auto at = stalled.take();
  ASSERT_TRUE(at);
  // Kernel buffers of both sides, and one buffer of libcurl.
  EXPECT_LT(*at, 8u * 1024 * 1024);
  // Not a byte more came after the pause.
  EXPECT_LE(received, 64u * 1024);
  EXPECT_TRUE(ends_.empty());
  client_->resume(id);
  auto end = ends_.take();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->code, errc::none) << end->text;
  EXPECT_EQ(received, total);
}

TEST_F(Follow, LosesNothingOverManyPauses) {
  std::string expected;
  for (int i = 0; i < 50'000; ++i)
    expected += "2026-01-01T00:00:00Z line " + std::to_string(i) + '\n';
  serve([&](exchange& out) {
    out.begin();
    for (size_t i = 0; i < expected.size(); i += 10'007)
      out.piece(std::string_view{expected}.substr(i, 10'007));
    out.finish();
  });
  std::atomic<call_id> id{0};
  inbox<bool> paused;
  inbox<bool> known;
  auto first = true;
  id = client_->follow_log({"p", "c", {}}, {[&](std::string_view bytes) {
                                              if (std::exchange(first, false))
                                                known.take();
                                              log_ += bytes;
                                              client_->pause(id);
                                              paused.put(true);
                                            },
                                            [&](const failure& why) {
                                              ends_.put(why);
                                              paused.put(false);
                                            }});
  known.put(true);
  while (paused.take().value_or(false))
    client_->resume(id);
  EXPECT_EQ(ends_.take()->code, errc::none);
  EXPECT_TRUE(log_ == expected);
}

TEST_F(Follow, ClosesTheConnectionWhenCancelled) {
  inbox<bool> closed;
  serve([&](exchange& out) {
    out.begin();
    out.piece("2026-01-01T00:00:00Z a\n");
    out.wait_for_close();
    closed.put(true);
  });
  inbox<bool> data;
  auto id = client_->follow_log({"p", "c", {}},
                                {[&](std::string_view) { data.put(true); },
                                 [&](const failure& why) { ends_.put(why); }});
  ASSERT_TRUE(data.take());
  client_->cancel(id);
  EXPECT_TRUE(closed.take());
  EXPECT_TRUE(ends_.empty());
}

TEST_F(Follow, CanBeCancelledWhilePaused) {
  inbox<bool> closed;
  serve([&](exchange& out) {
    out.begin();
    out.piece("2026-01-01T00:00:00Z a\n");
    out.wait_for_close();
    closed.put(true);
  });
  inbox<bool> data;
  auto id = client_->follow_log(
    {"p", "c", {}}, {[&](std::string_view) { data.put(true); }, {}});
  ASSERT_TRUE(data.take());
  client_->pause(id);
  client_->cancel(id);
  EXPECT_TRUE(closed.take());
}

TEST_F(Follow, HasAConnectionForEachStreamAndNoBound) {
  constexpr int streams = 40;
  inbox<bool> arrived;
  server_ = std::make_unique<scripted_server>(
    [&](const seen_request& in, exchange& out) {
      if (in.target.find("/log") == std::string::npos)
        return out.respond(200, R"({"metadata":{"name":"p"}})");
      arrived.put(true);
      out.wait_for_close();
    });
  api_options options;
  options.in_flight = 2;
  client_ = std::make_unique<api_client>(server_->where(), options);
  for (int i = 0; i < streams; ++i)
    client_->follow_log({"p", "c", {}}, callbacks());
  for (int i = 0; i < streams; ++i)
    ASSERT_TRUE(arrived.take());
  std::set<int> connections;
  for (auto& request : server_->requests())
    connections.insert(request.connection);
  EXPECT_EQ(connections.size(), static_cast<size_t>(streams));
  inbox<outcome<pod_snapshot>> pods;
  client_->get_pod("p", [&](outcome<pod_snapshot> x) { pods.put(x); });
  auto pod = pods.take();
  ASSERT_TRUE(pod);
  EXPECT_TRUE(*pod);
}

TEST(KubeletNotice, IsFoundHoweverTheBytesAreCut) {
  std::string text = "2026 a\n2026 failed to create fsnotify watcher\nf\n"
                     "failed to create x\nfa";
  auto whole = text + "\n" + notice;
  for (size_t cut = 0; cut <= whole.size(); ++cut) {
    kubelet_notice filter;
    std::string out{filter.filter(whole.substr(0, cut))};
    out += filter.filter(whole.substr(cut));
    EXPECT_TRUE(filter.found());
    EXPECT_EQ(out, text + "\n") << cut;
    kubelet_notice other;
    out = other.filter(text.substr(0, cut));
    if (cut < text.size())
      out += other.filter(text.substr(cut));
    out += other.rest();
    EXPECT_FALSE(other.found());
    EXPECT_EQ(out, text) << cut;
  }
}
