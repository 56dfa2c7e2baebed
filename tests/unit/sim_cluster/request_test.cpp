#include <gtest/gtest.h>

#include "infra/sim/cluster_request.hpp"
#include "infra/sim/cluster_text.hpp"

using namespace cuttle;
using namespace cuttle::sim;

namespace {

TEST(ClusterRequest, FindsVerbResourceAndName) {
  auto x = parse_target("GET", "/api/v1/namespaces/n/pods/p/log?follow=true");
  ASSERT_TRUE(x);
  EXPECT_EQ(x->verb, "log");
  EXPECT_EQ(x->resource, "pods");
  EXPECT_EQ(x->name, "p");
  EXPECT_EQ(x->namespace_name, "n");
  EXPECT_TRUE(x->flag("follow"));
  EXPECT_EQ(parse_target("GET", "/version")->resource, "version");
  EXPECT_EQ(parse_target("GET", "/api/v1/namespaces/n/pods")->verb, "list");
  EXPECT_EQ(parse_target("GET", "/api/v1/namespaces/n/pods?watch=1")->verb,
            "watch");
  EXPECT_EQ(parse_target("POST", "/api/v1/namespaces/n/pods")->verb, "create");
  EXPECT_EQ(parse_target("DELETE", "/api/v1/namespaces/n/pods/p")->verb,
            "delete");
  EXPECT_EQ(parse_target("DELETE", "/api/v1/namespaces/n/pods")->verb,
            "deletecollection");
}

TEST(ClusterRequest, DecodesTheQuery) {
  auto x = parse_target("GET", "/api/v1/namespaces/n/pods/p/log?sinceTime="
                               "2024-01-01T00%3A00%3A00%2B01%3A00&limit=5");
  ASSERT_TRUE(x);
  EXPECT_EQ(x->parameter("sinceTime"), "2024-01-01T00:00:00+01:00");
  EXPECT_EQ(*x->number("limit"), 5);
  EXPECT_FALSE(*x->number("absent"));
}

TEST(ClusterRequest, RefusesMalformedTargets) {
  EXPECT_FALSE(parse_target("GET", "no-slash"));
  EXPECT_FALSE(parse_target("GET", "/api%2"));
  EXPECT_FALSE(parse_target("GET", "/x?a=%zz"));
  EXPECT_FALSE(parse_target("GET", "/x?limit=five")->number("limit"));
}

TEST(ClusterText, WritesAndReadsTimes) {
  auto time = parse_rfc3339("2024-02-29T23:59:58.123456789Z");
  ASSERT_TRUE(time);
  EXPECT_EQ(rfc3339(*time), "2024-02-29T23:59:58Z");
  EXPECT_EQ(rfc3339(*time, precision::micro), "2024-02-29T23:59:58.123456Z");
  EXPECT_EQ(rfc3339(*time, precision::nano), "2024-02-29T23:59:58.123456789Z");
  EXPECT_EQ(parse_rfc3339("2024-03-01T01:59:58.123456789+02:00"), time);
  for (const auto* bad : {"", "2024-02-29", "2024-13-01T00:00:00Z",
                          "2024-02-29T23:59:58", "2024-02-29T23:59:58Zx"})
    EXPECT_FALSE(parse_rfc3339(bad)) << bad;
}

TEST(ClusterText, HoldsTimesToWhatCanBeCounted) {
  EXPECT_GT(*parse_rfc3339("2999-01-01T00:00:00Z"),
            *parse_rfc3339("2262-01-01T00:00:00Z"));
  EXPECT_LT(*parse_rfc3339("0001-01-01T00:00:00Z"),
            *parse_rfc3339("1678-01-01T00:00:00Z"));
}

TEST(ClusterText, RefusesDeeplyNestedJson) {
  EXPECT_FALSE(parse_json(std::string(100'000, '[')));
  EXPECT_FALSE(parse_json("{\"a\":"));
  EXPECT_TRUE(parse_json("{\"a\":[[[1]]]}"));
}

TEST(ClusterText, MakesDifferentUids) {
  auto uid = make_uid();
  EXPECT_EQ(uid.size(), 36u);
  EXPECT_EQ(uid[14], '4');
  EXPECT_NE(uid, make_uid());
}

} // namespace
