#include <gtest/gtest.h>

#include "infra/sim/cluster_selector.hpp"

using namespace cuttle::sim;

namespace {

nlohmann::json labelled(const std::string& key, const std::string& value) {
  return {{"metadata", {{"name", "x"}, {"labels", {{key, value}}}}}};
}

bool fits(const char* labels, const nlohmann::json& object) {
  auto which = selector::parse(labels, "");
  return which && which->matches(object);
}

TEST(ClusterSelector, FindsALabelWhateverItsValue_MON01) {
  auto key = "octopus.com/scriptTicketId";
  EXPECT_TRUE(fits(key, labelled(key, "T-1")));
  EXPECT_TRUE(fits(key, labelled(key, "")));
  EXPECT_FALSE(fits(key, labelled("other", "T-1")));
  EXPECT_FALSE(fits(key, {{"metadata", {{"name", "x"}}}}));
}

TEST(ClusterSelector, ComparesValues) {
  auto object = labelled("a", "1");
  EXPECT_TRUE(fits("a=1", object));
  EXPECT_TRUE(fits("a==1", object));
  EXPECT_FALSE(fits("a=2", object));
  EXPECT_TRUE(fits("a!=2", object));
  EXPECT_TRUE(fits("b!=2", object));
  EXPECT_FALSE(fits("!a", object));
  EXPECT_TRUE(fits("!b, a=1", object));
  EXPECT_FALSE(fits("a=1,b", object));
}

TEST(ClusterSelector, ComparesFieldsAtAPath) {
  nlohmann::json event{{"involvedObject", {{"kind", "Pod"}}}};
  EXPECT_TRUE(selector::parse("", "involvedObject.kind=Pod")->matches(event));
  EXPECT_FALSE(selector::parse("", "involvedObject.kind=Node")->matches(event));
  EXPECT_TRUE(selector::parse("", "involvedObject.name=")->matches(event));
}

TEST(ClusterSelector, RefusesWhatItDoesNotUnderstand) {
  EXPECT_FALSE(selector::parse("a in (b,c)", ""));
  EXPECT_FALSE(selector::parse("=1", ""));
  EXPECT_FALSE(selector::parse("", "metadata.name"));
}

} // namespace
