#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "infra/kubernetes/quota.hpp"

using namespace cuttle::kubernetes;
using testing::HasSubstr;

TEST(Quota, ReadsNameAndFiguresOutOfTheRefusal) {
  // (Kubernetes 1.32, with what the driver adds at both ends)
  auto x = read_quota_refusal(
    "Cannot create pod 'a': pods \"a\" is forbidden: exceeded quota: "
    "compute-resources, requested: pods=1,requests.cpu=25m, used: "
    "pods=10,requests.cpu=990m, limited: pods=20,requests.cpu=1. The "
    "namespace's quota is used up.");
  ASSERT_TRUE(x);
  EXPECT_EQ(x->name, "compute-resources");
  EXPECT_EQ(x->requested, "pods=1,requests.cpu=25m");
  EXPECT_EQ(x->used, "pods=10,requests.cpu=990m");
  EXPECT_EQ(x->limited, "pods=20,requests.cpu=1");
  EXPECT_FALSE(x->never_fits);
  for (auto* part : {"'compute-resources'", "asks for pods=1,requests.cpu=25m",
                     "in use are pods=10", "allows pods=20,requests.cpu=1.",
                     "raise the resource quota"})
    EXPECT_THAT(quota_text(*x), HasSubstr(part));
}

TEST(Quota, SeesAPodThatNeverFits) {
  auto fits = [](const char* requested, const char* limited) {
    auto x
      = read_quota_refusal(std::string{"exceeded quota: q, requested: "}
                           + requested + ", used: x=0, limited: " + limited);
    EXPECT_TRUE(x);
    return x && !x->never_fits;
  };
  EXPECT_TRUE(fits("requests.memory=1Gi", "requests.memory=1Gi"));
  EXPECT_FALSE(fits("requests.memory=1025Mi", "requests.memory=1Gi"));
  EXPECT_FALSE(fits("cpu=1500m", "cpu=1"));
  EXPECT_TRUE(fits("cpu=999m", "cpu=1"));
  EXPECT_FALSE(fits("pods=1", "pods=0"));
  EXPECT_TRUE(fits("a=1", "b=0"));
  EXPECT_TRUE(fits("a=strange", "a=0")) << "what is not understood may pass";
}

TEST(Quota, LeavesOtherTextsAlone) {
  for (auto* text :
       {"", "exceeded quota: ", "exceeded quota: q, requested: a=1",
        "exceeded quota: q, requested: a=1, used: a=1",
        "pods \"x\" is forbidden: failed quota: q: must specify limits.cpu"})
    EXPECT_FALSE(read_quota_refusal(text)) << text;
}

TEST(Quota, ReadsQuantities) {
  EXPECT_EQ(read_quantity("500m"), 0.5);
  EXPECT_EQ(read_quantity("1.5"), 1.5);
  EXPECT_EQ(read_quantity("2Ki"), 2048);
  EXPECT_EQ(read_quantity("1e3"), 1000);
  EXPECT_EQ(read_quantity("1E"), 1e18);
  EXPECT_EQ(read_quantity("3k"), 3000);
  for (auto* text : {"", "x", "1x", "1 Ki", "Ki"})
    EXPECT_FALSE(read_quantity(text)) << text;
}
