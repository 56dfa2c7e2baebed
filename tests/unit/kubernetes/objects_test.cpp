#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

#include "infra/kubernetes/line_splitter.hpp"
#include "infra/kubernetes/objects.hpp"
#include "infra/kubernetes/rfc3339.hpp"

using namespace cuttle;
using namespace cuttle::kubernetes;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using kind = container_status::kind;

namespace {

constexpr auto full_pod = R"({
  "apiVersion":"v1","kind":"Pod",
  "metadata":{"name":"octopus-script-t","uid":"u1","resourceVersion":"12",
    "creationTimestamp":"2026-01-02T03:04:05Z",
    "deletionTimestamp":"2026-01-02T04:04:05Z",
    "labels":{"octopus.com/scriptTicketId":"T","octopus.com/serverTaskId":"S",
      "x":"y"}},
  "spec":{"nodeName":"n1","containers":[
    {"name":"octopus-script-t","image":"mine:2"},
    {"name":"nfs-watchdog","image":"other"}]},
  "status":{"phase":"Failed","reason":"Evicted","message":"low",
    "conditions":[{"type":"Ready","status":"False","reason":"a","message":"b"},
      {"type":"PodScheduled","status":"False","reason":"Unschedulable",
       "message":"0/1 nodes"}],
    "initContainerStatuses":[{"name":"i","state":{"terminated":
      {"exitCode":2,"reason":"Error","message":"m"}}}],
    "containerStatuses":[
      {"name":"octopus-script-t","state":{"terminated":{"exitCode":137,
        "reason":"OOMKilled","startedAt":"2026-01-02T03:04:06Z",
        "finishedAt":"2026-01-02T03:04:07.5Z"}}},
      {"name":"a","state":{"waiting":{"reason":"ErrImagePull","message":"w"}}},
      {"name":"b","state":{"running":{"startedAt":"2026-01-02T03:04:06Z"}}},
      {"name":"c","state":{}}]}})";

timestamp at(std::string_view text) {
  return parse_time(text).value_or(timestamp{});
}

} // namespace

TEST(ObjectReader, ReadsEachFactOfAPod_MON10_MON12) {
  object_reader reader;
  auto pod = reader.pod(full_pod);
  ASSERT_TRUE(pod) << pod.error().text;
  EXPECT_EQ(pod->name, "octopus-script-t");
  EXPECT_EQ(pod->uid, "u1");
  EXPECT_EQ(pod->resource_version, "12");
  EXPECT_EQ(pod->ticket.task_id, "T");
  EXPECT_EQ(pod->task_id, "S");
  EXPECT_EQ(pod->created_at, at("2026-01-02T03:04:05Z"));
  EXPECT_TRUE(pod->deleting);
  EXPECT_EQ(pod->phase, "Failed");
  EXPECT_EQ(pod->reason, "Evicted");
  EXPECT_EQ(pod->message, "low");
  EXPECT_EQ(pod->node, "n1");
  EXPECT_EQ(pod->image, "mine:2");
  EXPECT_EQ(pod->unschedulable_reason, "Unschedulable");
  EXPECT_EQ(pod->unschedulable_message, "0/1 nodes");
  ASSERT_EQ(pod->init_containers.size(), 1u);
  EXPECT_EQ(pod->init_containers[0].exit_code, 2);
  ASSERT_EQ(pod->containers.size(), 4u);
  auto& script = pod->containers[0];
  EXPECT_EQ(script.state, kind::terminated);
  EXPECT_EQ(script.exit_code, 137);
  EXPECT_EQ(script.reason, "OOMKilled");
  EXPECT_EQ(script.started_at, at("2026-01-02T03:04:06Z"));
  EXPECT_EQ(script.finished_at, at("2026-01-02T03:04:07.5Z"));
  EXPECT_EQ(pod->containers[1].state, kind::waiting);
  EXPECT_EQ(pod->containers[1].message, "w");
  EXPECT_EQ(pod->containers[2].state, kind::running);
  EXPECT_EQ(pod->containers[3].state, kind::unknown);
}

TEST(ObjectReader, TakesMembersOfAWrongTypeAsAbsent) {
  object_reader reader;
  auto pod = reader.pod(R"({"metadata":{"name":"p","uid":7,"labels":[],
    "creationTimestamp":"yesterday","deletionTimestamp":null},"spec":"x",
    "status":{"phase":{},"conditions":{},"containerStatuses":[3,null,
    {"name":[],"state":{"terminated":{"exitCode":99999999999,"reason":1}}},
    {"state":{"terminated":{"exitCode":"1"}}}]}})");
  ASSERT_TRUE(pod);
  EXPECT_EQ(pod->uid, "");
  EXPECT_FALSE(pod->created_at);
  EXPECT_FALSE(pod->deleting);
  ASSERT_EQ(pod->containers.size(), 4u);
  EXPECT_EQ(pod->containers[2].exit_code, 2147483647);
  EXPECT_EQ(pod->containers[3].exit_code, 0);
}

TEST(ObjectReader, SurvivesEveryCutAndManyFlippedBytes) {
  object_reader reader;
  std::string text = full_pod;
  for (size_t size = 0; size < text.size(); ++size)
    EXPECT_FALSE(reader.pod(text.substr(0, size))) << size;
  std::minstd_rand random{42};
  for (int i = 0; i < 3000; ++i) {
    auto copy = text;
    for (int k = 0; k < 3; ++k)
      copy[random() % copy.size()] = static_cast<char>(random());
    reader.pod(copy);
    reader.pods(copy);
    reader.pod_change(copy);
    reader.event_change(copy);
    reader.secret(copy);
    reader.version(copy);
    reader.status(copy);
    reader.labels(copy);
  }
}

TEST(ObjectReader, SurvivesDepthAndSize) {
  object_reader reader;
  EXPECT_FALSE(reader.pod(std::string(100'000, '[')));
  std::string deep;
  for (int i = 0; i < 100'000; ++i)
    deep += "{\"a\":";
  EXPECT_FALSE(reader.pod(deep));
  std::string wide = R"({"metadata":{"name":"p"},"x":")";
  wide += std::string(8 * 1024 * 1024, 'y') + "\"}";
  EXPECT_TRUE(reader.pod(wide));
  EXPECT_FALSE(reader.pod("\xff\xfe{}"));
  EXPECT_FALSE(reader.pod(""));
  EXPECT_FALSE(reader.pod("null"));
  EXPECT_FALSE(reader.pod("{} {}"));
}

TEST(ObjectReader, ReadsLists) {
  object_reader reader;
  auto page = reader.pods(R"({"metadata":{"resourceVersion":"5",
    "continue":"next"},"items":[{"metadata":{"name":"a"}},{},
    {"metadata":{"name":"b"}}]})");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->items.size(), 2u);
  EXPECT_EQ(page->skipped, 1u);
  EXPECT_EQ(page->resource_version, "5");
  EXPECT_EQ(page->next, "next");
  EXPECT_FALSE(reader.pods(R"({"metadata":{},"items":[]})"));
  EXPECT_FALSE(reader.pods(R"({"metadata":{"resourceVersion":"5"}})"));
  EXPECT_FALSE(
    reader.pods(R"({"metadata":{"resourceVersion":"5"},"items":{}})"));
}

TEST(ObjectReader, ReadsWatchEvents) {
  using item = watch_item<pod_snapshot>;
  object_reader reader;
  auto type = [&](std::string_view text) {
    auto result = reader.pod_change(text);
    return result ? std::optional{result->type} : std::nullopt;
  };
  const std::string object
    = R"("object":{"metadata":{"name":"a","resourceVersion":"3"}}})";
  EXPECT_EQ(type(R"({"type":"ADDED",)" + object), item::kind::added);
  EXPECT_EQ(type(R"({"type":"MODIFIED",)" + object), item::kind::modified);
  EXPECT_EQ(type(R"({"type":"DELETED",)" + object), item::kind::deleted);
  EXPECT_EQ(type(R"({"type":"OTHER",)" + object), item::kind::unusable);
  EXPECT_EQ(type(R"({"type":7,)" + object), item::kind::unusable);
  EXPECT_EQ(type(R"({"type":"ADDED","object":{}})"), item::kind::unusable);
  EXPECT_FALSE(type(R"({"type":"ADDED"})"));
  EXPECT_FALSE(type(R"({"type":"ADDED","object":[]})"));
  auto bookmark = reader.pod_change(R"({"type":"BOOKMARK","object":
    {"kind":"Pod","metadata":{"resourceVersion":"77"}}})");
  ASSERT_TRUE(bookmark);
  EXPECT_EQ(bookmark->type, item::kind::bookmark);
  EXPECT_EQ(bookmark->resource_version, "77");
  auto error = reader.pod_change(R"({"type":"ERROR","object":
    {"kind":"Status","code":410,"reason":"Expired","message":"too old"}})");
  ASSERT_TRUE(error);
  EXPECT_EQ(error->type, item::kind::error);
  EXPECT_EQ(error->status.code, 410);
  EXPECT_EQ(error->status.message, "too old");
}

TEST(ObjectReader, TakesTheLatestTimeAndTheCountOfAnEvent_LOG15_LOG16) {
  object_reader reader;
  auto event = [&](const std::string& more) {
    auto result = reader.event_change(
      R"({"type":"ADDED","object":{"metadata":{"name":"n","uid":"u"},)"
      R"("involvedObject":{"name":"p"})"
      + more + "}}");
    return result ? *result : watch_item<pod_event>{};
  };
  auto one = event(R"(,"eventTime":"2026-01-01T00:00:01.000001Z",)"
                   R"("lastTimestamp":"2026-01-01T00:00:03Z",)"
                   R"("firstTimestamp":"2026-01-01T00:00:02Z","count":4)");
  EXPECT_EQ(one.object.occurred, at("2026-01-01T00:00:03Z"));
  EXPECT_EQ(one.object.count, 4);
  one = event(R"(,"eventTime":"2026-01-01T00:00:01.000001Z","count":0,)"
              R"("series":{"count":9})");
  EXPECT_EQ(one.object.occurred, at("2026-01-01T00:00:01.000001Z"));
  EXPECT_EQ(one.object.count, 9);
  one = event(R"(,"firstTimestamp":"2026-01-01T00:00:02Z","count":-3)");
  EXPECT_EQ(one.object.count, 1);
  EXPECT_EQ(event("").type, watch_item<pod_event>::kind::unusable);
}

TEST(ObjectReader, ReadsConfigMapsAndSecrets) {
  object_reader reader;
  auto map = reader.config_map(R"({"metadata":{"name":"c",
    "resourceVersion":"1"},"data":{"a":"1","b":"","c":3}})");
  ASSERT_TRUE(map);
  EXPECT_EQ(map->data,
            (std::map<std::string, std::string>{{"a", "1"}, {"b", ""}}));
  EXPECT_TRUE(reader.config_map(R"({"metadata":{"name":"c"}})"));
  EXPECT_FALSE(reader.config_map(R"({"data":{"a":"1"}})"));
  auto secret
    = reader.secret(R"({"metadata":{"name":"s"},"data":{"k":"AAH/"}})");
  ASSERT_TRUE(secret);
  EXPECT_EQ(secret->data["k"], std::string("\0\1\xff", 3));
  auto broken
    = reader.secret(R"({"metadata":{"name":"s"},"data":{"k":"topsecret"}})");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().text.find("topsecret"), std::string::npos);
}

TEST(ObjectReader, StripsNonDigitsFromTheVersion_IMG06) {
  object_reader reader;
  auto version = [&](std::string major, std::string minor) {
    return reader.version(R"({"major":")" + major + R"(","minor":")" + minor
                          + R"(","gitVersion":"v"})");
  };
  EXPECT_EQ(version("1", "30+"), (cluster_version{1, 30, {}}));
  EXPECT_EQ(version("1+", "1abc"), (cluster_version{1, 1, {}}));
  EXPECT_EQ(version("1", "27")->git_version, "v");
  EXPECT_FALSE(version("", "30"));
  EXPECT_FALSE(version("1", "x"));
  EXPECT_FALSE(version("1", "99999999999999999999"));
  EXPECT_FALSE(reader.version("{}"));
}

TEST(ObjectReader, ReadsWhatTheApiServerSaysAboutAFailure) {
  object_reader reader;
  auto said = reader.status(R"({"kind":"Status","code":429,"reason":"Too",
    "message":"slow","details":{"retryAfterSeconds":7}})");
  EXPECT_EQ(said.code, 429);
  EXPECT_EQ(said.reason, "Too");
  EXPECT_EQ(said.message, "slow");
  EXPECT_EQ(said.retry_after, 7s);
  EXPECT_EQ(reader.status("404 page\nnot found\n").message,
            "404 page not found");
  EXPECT_LE(reader.status(std::string(100'000, 'x')).message.size(), 500u);
  EXPECT_EQ(reader.status("\xff\xff").message, "(not text)");
  EXPECT_EQ(reader.status("").message, "");
}

TEST(ObjectReader, ReadsNameAndLabels) {
  object_reader reader;
  EXPECT_EQ(reader.name(full_pod), "octopus-script-t");
  EXPECT_EQ(reader.labels(full_pod).at("x"), "y");
  EXPECT_EQ(reader.name("{"), "");
  EXPECT_TRUE(reader.labels("[]").empty());
}

TEST(Times, AreReadWithFractionsAndOffsets) {
  auto base = timestamp{std::chrono::seconds{1'767'323'045}};
  EXPECT_EQ(parse_time("2026-01-02T03:04:05Z"), base);
  EXPECT_EQ(parse_time("2026-01-02T03:04:05.25Z"), base + 250ms);
  EXPECT_EQ(parse_time("2026-01-02T03:04:05.123456789Z"), base + 123456789ns);
  EXPECT_EQ(parse_time("2026-01-02T05:34:05+02:30"), base);
  EXPECT_EQ(parse_time("2026-01-01T22:04:05-05:00"), base);
  for (auto text :
       {"", "2026", "2026-01-02", "2026-01-02T03:04:05", "2026-02-30T00:00:00Z",
        "2026-13-01T00:00:00Z", "2026-01-02T24:00:00Z", "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05.1234567890Z", "2026-01-02T03:04:05Zx",
        "2026-01-02T03:04:05+2:00", "9999-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z", "-026-01-02T03:04:05Z"})
    EXPECT_FALSE(parse_time(text)) << text;
}

TEST(Times, AreWrittenInWholeSecondsRoundedDown) {
  EXPECT_EQ(format_seconds(at("2026-01-02T03:04:05.999Z")),
            "2026-01-02T03:04:05Z");
  EXPECT_EQ(format_seconds(timestamp{-1ns}), "1969-12-31T23:59:59Z");
}

TEST(LineSplitter, GivesWholeLinesHoweverTheyAreCut) {
  const std::string text = "one\n\ntwo\nthree\nrest";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    line_splitter splitter{100};
    std::vector<std::string> lines;
    auto add = [&](std::string_view line) {
      lines.emplace_back(line);
      return true;
    };
    EXPECT_TRUE(splitter.feed(std::string_view{text}.substr(0, cut), add));
    EXPECT_TRUE(splitter.feed(std::string_view{text}.substr(cut), add));
    EXPECT_THAT(lines, ElementsAre("one", "two", "three"));
    EXPECT_TRUE(splitter.open());
  }
}

TEST(LineSplitter, HasALimit) {
  line_splitter splitter{4};
  auto all = [](std::string_view) { return true; };
  EXPECT_TRUE(splitter.feed("1234\n12", all));
  EXPECT_TRUE(splitter.feed("34", all));
  EXPECT_FALSE(splitter.feed("5", all));
  line_splitter other{4};
  EXPECT_FALSE(other.feed("12345\n", all));
  EXPECT_FALSE(other.feed("1\n2\n", [](std::string_view) { return false; }));
}
