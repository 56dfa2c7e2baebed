#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "infra/kubernetes/api_client.hpp"
#include "tests/unit/kubernetes/inbox.hpp"
#include "tests/unit/kubernetes/scripted_server.hpp"

using namespace cuttle;
using namespace cuttle::kubernetes;
using namespace cuttle::kubernetes::test;
using namespace std::chrono_literals;
using testing::HasSubstr;

namespace {

std::string pod(std::string name, int version) {
  return R"({"metadata":{"name":")" + name + R"(","uid":"u-)" + name
         + R"(","resourceVersion":")" + std::to_string(version) + "\"}}";
}

std::string list_of(std::vector<std::string> items, int version,
                    std::string next = "") {
  std::string joined;
  for (auto& item : items)
    joined += (joined.empty() ? "" : ",") + item;
  return R"({"kind":"PodList","metadata":{"resourceVersion":")"
         + std::to_string(version) + R"(","continue":")" + next
         + R"("},"items":[)" + joined + "]}";
}

std::string change(std::string type, std::string object) {
  return R"({"type":")" + type + R"(","object":)" + object + "}\n";
}

const std::string gone = change(
  "ERROR",
  R"({"kind":"Status","code":410,"reason":"Expired","message":"old"})");

bool is_watch(const seen_request& in) {
  return in.target.find("watch=true") != std::string::npos;
}

/// `resourceVersion` of a request.
std::string version_of(const seen_request& in) {
  constexpr std::string_view key = "resourceVersion=";
  auto i = in.target.find(key);
  if (i == std::string::npos)
    return "none";
  auto begin = i + key.size();
  return in.target.substr(begin, in.target.find('&', begin) - begin);
}

/// What a watch told, as text: `list a b`, `change a`, `delete a`,
/// `trouble <code>`, `healthy`.
class Watch : public testing::Test {
protected:
  /// Answers lists in turn, and the n-th watch with the n-th function; the
  /// last ones again and again.
  using step = std::function<void(exchange&)>;

  void serve(std::vector<step> lists, std::vector<step> watches) {
    server_ = std::make_unique<scripted_server>(
      [this, lists, watches](const seen_request& in, exchange& out) {
        auto& count = is_watch(in) ? watch_count_ : list_count_;
        auto& steps = is_watch(in) ? watches : lists;
        versions_.put((is_watch(in) ? "watch " : "list ") + version_of(in));
        steps[std::min(count.fetch_add(1), steps.size() - 1)](out);
      });
  }

  void start(api_options options = {}) {
    client_ = std::make_unique<api_client>(server_->where(), options);
    watch_callbacks<pod_snapshot> callbacks;
    callbacks.on_list = [this](std::vector<pod_snapshot> pods) {
      std::string text = "list";
      for (auto& x : pods)
        text += ' ' + x.name;
      news_.put(text);
    };
    callbacks.on_change = [this](pod_snapshot x) {
      news_.put("change " + x.name);
      if (x.name == "cancel")
        client_->cancel(id_);
    };
    callbacks.on_delete
      = [this](pod_snapshot x) { news_.put("delete " + x.name); };
    callbacks.on_trouble = [this](const failure& why,
                                  std::chrono::milliseconds retry_in) {
      news_.put(why.code == errc::none
                  ? "healthy"
                  : "trouble " + std::to_string(static_cast<int>(why.code)));
      if (why.code != errc::none) {
        EXPECT_FALSE(why.text.empty());
        EXPECT_GT(retry_in.count(), 0);
      }
      troubles_.put(why);
    };
    id_ = client_->watch_pods(std::move(callbacks));
  }

  void expect(std::vector<std::string> wanted) {
    for (auto& text : wanted)
      EXPECT_EQ(news_.take().value_or("nothing"), text);
  }

  void expect_requests(std::vector<std::string> wanted) {
    for (auto& text : wanted)
      EXPECT_EQ(versions_.take().value_or("nothing"), text);
  }

  static step body(std::string text) {
    return [text](exchange& out) { out.respond(200, text); };
  }

  static step status(int code, std::string message) {
    return [=](exchange& out) {
      out.respond(code, R"({"kind":"Status","message":")" + message + "\"}");
    };
  }

  /// Sends the text in pieces of one watch and stays open.
  static step stay(std::string text) {
    return [text](exchange& out) {
      out.begin();
      if (!text.empty())
        out.piece(text);
      out.wait_for_close();
    };
  }

  static step then_end(std::string text) {
    return [text](exchange& out) {
      out.begin();
      if (!text.empty())
        out.piece(text);
      out.finish();
    };
  }

  static step then_cut(std::string text) {
    return [text](exchange& out) {
      out.begin();
      if (!text.empty())
        out.piece(text);
      out.cut();
    };
  }

  static std::string trouble(errc code) {
    return "trouble " + std::to_string(static_cast<int>(code));
  }

  std::atomic<size_t> list_count_{0};
  std::atomic<size_t> watch_count_{0};
  std::atomic<call_id> id_{0};
  inbox<std::string> news_;
  inbox<std::string> versions_;
  inbox<failure> troubles_;
  std::unique_ptr<scripted_server> server_;
  std::unique_ptr<api_client> client_;
};

} // namespace

TEST_F(Watch, ListsInPagesAndWatchesFromTheListsVersion_MON01) {
  serve({body(list_of({pod("a", 3)}, 7, "more/+")),
         body(list_of({pod("b", 4)}, 7))},
        {stay(change("ADDED", pod("c", 8)) + change("MODIFIED", pod("a", 9))
              + change("DELETED", pod("b", 10)))});
  start();
  expect({"list a b", "change c", "change a", "delete b"});
  auto seen = server_->requests();
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].target, "/api/v1/namespaces/ns/pods?labelSelector="
                            "octopus.com%2FscriptTicketId&limit=500");
  EXPECT_EQ(seen[1].target, seen[0].target + "&continue=more%2F%2B");
  EXPECT_EQ(seen[2].target,
            "/api/v1/namespaces/ns/pods?labelSelector="
            "octopus.com%2FscriptTicketId&watch=true&allowWatchBookmarks=true"
            "&resourceVersion=7&timeoutSeconds=600");
  EXPECT_TRUE(troubles_.empty());
}

TEST_F(Watch, TakesAnEmptyListWithoutItems) {
  serve({body(R"({"metadata":{"resourceVersion":"1"},"items":null})")},
        {stay("")});
  start();
  expect({"list"});
}

TEST_F(Watch, GoesOnFromTheLastVersionAfterItsEnd_MON02) {
  serve({body(list_of({}, 7))}, {then_end(change("ADDED", pod("a", 8))
                                          + change("BOOKMARK", pod("", 20))),
                                 stay(change("ADDED", pod("b", 21)))});
  start();
  expect({"list", "change a", "change b"});
  expect_requests({"list none", "watch 7", "watch 20"});
  EXPECT_TRUE(troubles_.empty());
}

TEST_F(Watch, IsCutInTheMiddleOfAnObjectAndGoesOn_MON02) {
  auto second = change("ADDED", pod("b", 9));
  for (auto cleanly : {false, true}) {
    auto text
      = change("ADDED", pod("a", 8)) + second.substr(0, second.size() / 2);
    list_count_ = watch_count_ = 0;
    serve({body(list_of({}, 7))},
          {cleanly ? then_end(text) : then_cut(text), stay(second)});
    start();
    expect(
      {"list", "change a", trouble(errc::unavailable), "healthy", "change b"});
    expect_requests({"list none", "watch 7", "watch 8"});
    client_.reset();
  }
}

TEST_F(Watch, TellsOfTroubleOnceForEachBreak) {
  auto refusing = std::make_shared<std::atomic<int>>(3);
  serve({body(list_of({}, 7))}, {[refusing](exchange& out) {
          if ((*refusing)-- > 0)
            out.cut();
          else
            stay(change("ADDED", pod("a", 8)))(out);
        }});
  start();
  expect({"list", trouble(errc::unavailable), "healthy", "change a"});
  EXPECT_EQ(watch_count_, 4u);
}

TEST_F(Watch, ListsAgainAfter410_MON02) {
  serve({body(list_of({pod("a", 1)}, 7)), body(list_of({pod("b", 2)}, 50)),
         body(list_of({pod("c", 3)}, 90))},
        {then_end(gone), status(410, "too old"), stay("")});
  start();
  expect({"list a", "list b", "list c"});
  expect_requests(
    {"list none", "watch 7", "list none", "watch 50", "list none", "watch 90"});
  EXPECT_TRUE(troubles_.empty());
}

TEST_F(Watch, DoesNotListInATightLoop) {
  serve({body(list_of({}, 7))}, {then_end(gone)});
  start();
  for (int i = 0; i < 4; ++i)
    news_.take();
  // 0, 250, 500 ms with jitter lie between the first four.
  EXPECT_LE(list_count_, 5u);
}

TEST_F(Watch, StartsTheListAnewWhenAPageExpired) {
  auto failed = std::make_shared<std::atomic<bool>>(false);
  server_ = std::make_unique<scripted_server>(
    [failed](const seen_request& in, exchange& out) {
      if (is_watch(in))
        return stay("")(out);
      if (in.target.find("continue=") == std::string::npos)
        return out.respond(200, list_of({pod("a", 1)}, 7, "next"));
      if (!failed->exchange(true))
        return out.respond(410, R"({"kind":"Status","message":"expired"})");
      out.respond(200, list_of({pod("b", 1)}, 7));
    });
  start();
  expect({trouble(errc::not_found)});
  EXPECT_EQ(news_.take_until([](auto& x) { return x != "healthy"; }),
            "list a b");
}

TEST_F(Watch, MakesASilentWatchAnew) {
  serve({body(list_of({}, 7))}, {stay(""), stay(change("ADDED", pod("a", 8)))});
  api_options options;
  options.watch_silence = 1s;
  start(options);
  expect({"list", "change a"});
  expect_requests({"list none", "watch 7", "watch 7"});
  EXPECT_TRUE(troubles_.empty());
}

TEST_F(Watch, MakesAWatchAnewThatTheServerShouldHaveEnded) {
  serve({body(list_of({}, 7))}, {stay(""), stay(change("ADDED", pod("a", 8)))});
  api_options options;
  options.watch_timeout = 1s;
  options.request_timeout = 200ms;
  start(options);
  expect({"list", "change a"});
  expect_requests({"list none", "watch 7", "watch 7"});
}

TEST_F(Watch, BreaksWhenTheServerDoesNotAnswerIt) {
  serve({body(list_of({}, 7))}, {[](exchange& out) { out.wait_for_close(); },
                                 stay(change("ADDED", pod("a", 8)))});
  api_options options;
  options.request_timeout = 200ms;
  start(options);
  expect({"list", trouble(errc::deadline_exceeded), "healthy", "change a"});
  expect_requests({"list none", "watch 7", "watch 7"});
}

TEST_F(Watch, IsNotSilentWhileBookmarksCome) {
  auto beats = std::make_shared<std::atomic<int>>(0);
  serve({body(list_of({}, 7))}, {[this, beats](exchange& out) {
          out.begin();
          std::mutex mutex;
          std::condition_variable never;
          std::unique_lock guard{mutex};
          // Longer than the limit in all, shorter each time.
          for (int i = 0; i < 4 && !server_->stopping(); ++i) {
            never.wait_for(guard, 400ms);
            out.piece(change("BOOKMARK", pod("", 10 + i)));
          }
          out.piece(change("ADDED", pod("a", 20)));
          out.wait_for_close();
        }});
  api_options options;
  options.watch_silence = 1s;
  start(options);
  expect({"list", "change a"});
  EXPECT_EQ(watch_count_, 1u);
}

TEST_F(Watch, ListsAgainAfterGarbage_MON03) {
  serve({body(list_of({}, 7)), body(list_of({pod("a", 8)}, 9))},
        {then_end("{\"type\":\"ADDED\"\x01\n"), stay("")});
  start();
  expect({"list", trouble(errc::protocol_error), "list a", "healthy"});
}

TEST_F(Watch, PassesOverAnObjectThatItCannotUse_MON07) {
  serve(
    {body(list_of({"{}", "7", pod("a", 1)}, 7))},
    {stay(change("ADDED", R"({"metadata":{"resourceVersion":"8"}})")
          + change("STRANGE", pod("x", 9)) + change("ADDED", pod("b", 10)))});
  start();
  expect({"list a", "change b"});
  EXPECT_EQ(watch_count_, 1u);
}

TEST_F(Watch, RefusesAnObjectThatIsTooLarge) {
  serve({body(list_of({}, 7))},
        {stay(std::string(20'000, ' ') + "\n"), stay("")});
  api_options options;
  options.body_bytes = 10'000;
  start(options);
  expect({"list", trouble(errc::protocol_error), "healthy"});
}

TEST_F(Watch, NeverGivesUpOnAnApiThatRefuses_MON04) {
  serve({status(403, "pods is forbidden"), status(403, "pods is forbidden"),
         body(list_of({pod("a", 1)}, 7))},
        {stay("")});
  start();
  expect({trouble(errc::forbidden), "list a", "healthy"});
  auto why = troubles_.take();
  ASSERT_TRUE(why);
  EXPECT_EQ(why->text, "Cannot list pods: pods is forbidden.");
}

TEST_F(Watch, TellsOfAnErrorInTheStream) {
  serve({body(list_of({}, 7))},
        {then_end(change("ERROR", R"({"kind":"Status","code":500,)"
                                  R"("message":"etcd is gone"})")),
         stay("")});
  start();
  expect({"list", trouble(errc::unavailable), "healthy"});
  EXPECT_THAT(troubles_.take()->text, HasSubstr("etcd is gone"));
  expect_requests({"list none", "watch 7", "watch 7"});
}

TEST_F(Watch, IsSilentOnceCancelledInACallback) {
  inbox<bool> closed;
  serve({body(list_of({}, 7))}, {[&](exchange& out) {
          out.begin();
          out.piece(change("ADDED", pod("cancel", 8))
                    + change("ADDED", pod("a", 9)));
          out.wait_for_close();
          closed.put(true);
        }});
  start();
  expect({"list", "change cancel"});
  EXPECT_TRUE(closed.take());
  EXPECT_TRUE(news_.empty());
}

TEST_F(Watch, CarriesEventsOfPods_LOG15) {
  auto event = [](std::string uid, std::string more) {
    return R"({"metadata":{"name":"n","uid":")" + uid
           + R"(","resourceVersion":"5"},"involvedObject":{"kind":"Pod",)"
             R"("name":"p","fieldPath":"spec.containers{p}"},)"
             R"("reason":"Pulling","message":"m","type":"Normal")"
           + more + "}";
  };
  auto timed = event("u1", R"(,"count":3,"firstTimestamp":)"
                           R"("2026-01-01T00:00:00Z","lastTimestamp":)"
                           R"("2026-01-01T00:00:05Z","eventTime":null)");
  serve({body(list_of({timed, event("u0", "")}, 7))},
        {stay(change(
          "ADDED", event("u2", R"(,"eventTime":"2026-01-01T00:00:07.25Z")")))});
  client_ = std::make_unique<api_client>(server_->where());
  inbox<pod_event> events;
  watch_callbacks<pod_event> callbacks;
  callbacks.on_list = [&](std::vector<pod_event> all) {
    for (auto& x : all)
      events.put(x);
  };
  callbacks.on_change = [&](pod_event x) { events.put(x); };
  auto id = client_->watch_pod_events(std::move(callbacks));
  auto first = events.take();
  auto second = events.take();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->uid, "u1");
  EXPECT_EQ(first->count, 3);
  EXPECT_EQ(first->field_path, "spec.containers{p}");
  EXPECT_EQ(second->uid, "u2");
  EXPECT_EQ(second->count, 1);
  EXPECT_EQ(second->occurred - first->occurred, 2250ms);
  EXPECT_THAT(server_->requests()[0].target,
              HasSubstr("/events?fieldSelector=involvedObject.kind%3DPod"));
  client_->cancel(id);
  client_.reset();
}
