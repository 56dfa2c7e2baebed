#include "infra/octopus/match.hpp"

namespace cuttle::octopus {

namespace {

std::vector<space_document> spaces() {
  return {{"Spaces-1", "Default", true, {}}, {"Spaces-2", "Ops", false, {}}};
}

std::vector<named> pools() {
  return {{"WorkerPools-1", "Linux", "linux-slug", "StaticWorkerPool", "", 0},
          {"WorkerPools-2", "linux-slug", "other", "", "", 0},
          {"WorkerPools-3", "Cloud", "cloud", "DynamicWorkerPool", "", 0}};
}

std::string ids(const std::vector<std::string>& wanted) {
  auto found = find_pools(pools(), wanted, "Default");
  if (!found)
    return std::string{name_of(found.error().what)};
  std::string result;
  for (auto& x : *found)
    result += x.id + " ";
  return result;
}

} // namespace

TEST(Spaces, AreFoundByNameInAnyCase) {
  EXPECT_EQ(find_space(spaces(), " oPS ")->id, "Spaces-2");
  EXPECT_EQ(find_space(spaces(), "")->id, "Spaces-1");
}

TEST(Spaces, ThatDoNotExistAreNamedWithThoseThatDo) {
  auto space = find_space(spaces(), "Oops");
  ASSERT_FALSE(space);
  EXPECT_EQ(space.error().what, mistake::space_not_found);
  EXPECT_NE(space.error().text.find("'Default' and 'Ops'"), std::string::npos);
  space = find_space(spaces(), "Spaces-2");
  ASSERT_FALSE(space);
  EXPECT_NE(space.error().text.find("'Spaces-2' is the id of 'Ops'"),
            std::string::npos);
  EXPECT_FALSE(find_space({}, "Default"));
}

TEST(Pools, ResolveByNameThenSlugThenId_REG14) {
  EXPECT_EQ(ids({"LINUX"}), "WorkerPools-1 ");
  // A name comes before another one's slug.
  EXPECT_EQ(ids({"linux-slug"}), "WorkerPools-2 ");
  EXPECT_EQ(ids({"other"}), "WorkerPools-2 ");
  EXPECT_EQ(ids({"workerpools-1", "linux"}), "WorkerPools-1 ");
  EXPECT_EQ(ids({"nope"}), "pool-not-found");
  EXPECT_EQ(ids({"Cloud"}), "pool-dynamic");
}

TEST(Pools, ThatDoNotExistAreNamedWithThoseThatDo_REG14) {
  auto found = find_pools(pools(), {"nope\n"}, "Default");
  ASSERT_FALSE(found);
  auto& text = found.error().text;
  EXPECT_TRUE(text.starts_with("Could not find the worker pool with name, slug "
                               "or Id 'nope'"))
    << text;
  EXPECT_NE(text.find("'Linux'"), std::string::npos);
  EXPECT_EQ(text.find('\n'), std::string::npos);
}

TEST(Policies, FallBackToTheDefaultOneOnlyForTheImagesDefault_REG16) {
  std::vector<named> policies{{"MachinePolicies-7", "Renamed", "", "", "", 1},
                              {"MachinePolicies-8", "Strict", "", "", "", 0}};
  EXPECT_EQ(find_policy(policies, "strict", "D")->id, "MachinePolicies-8");
  EXPECT_EQ(find_policy(policies, "", "D")->id, "MachinePolicies-7");
  EXPECT_EQ(find_policy(policies, default_policy, "D")->id,
            "MachinePolicies-7");
  EXPECT_EQ(find_policy(policies, "Nope", "D").error().what,
            mistake::policy_not_found);
}

TEST(Workers, AreFoundByTheirWholeName) {
  std::vector<worker_document> workers(2);
  workers[0].name = "k8s-2";
  workers[1].name = "K8S";
  EXPECT_EQ(find_worker(workers, "k8s"), &workers[1]);
  EXPECT_EQ(find_worker(workers, "k8"), nullptr);
}

} // namespace cuttle::octopus
