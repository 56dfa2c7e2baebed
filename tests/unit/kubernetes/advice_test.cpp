#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>
#include <sstream>

#include "infra/kubernetes/advice.hpp"
#include "tests/folders.hpp"

using namespace cuttle;
using namespace cuttle::kubernetes;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Advice, HasEachReasonOnceWithAProblemAndARemedy) {
  std::set<std::pair<trouble, std::string_view>> seen;
  for (auto& row : all_advice()) {
    EXPECT_TRUE(seen.insert({row.where, row.reason}).second) << row.reason;
    EXPECT_FALSE(row.problem.empty()) << row.reason;
    EXPECT_NE(row.problem.back(), '.') << row.reason;
    ASSERT_FALSE(row.remedy.empty()) << row.reason;
    EXPECT_EQ(row.remedy.back(), '.') << row.reason;
  }
}

TEST(Advice, IsInTheDocumentAsItIsInTheCode) {
  std::ifstream file{docs_folder() + "/troubleshooting.md"};
  ASSERT_TRUE(file);
  std::ostringstream text;
  text << file.rdbuf();
  auto tables = advice_tables();
  EXPECT_NE(text.str().find(tables), std::string::npos)
    << "docs/troubleshooting.md must have these tables:\n"
    << tables;
}

TEST(Advice, TellsWhatToDoAboutARefusalAfterTheClustersOwnWords) {
  struct row {
    const char* message;
    const char* remedy;
  };
  for (auto& [message, remedy] : {
         row{"pods \"x\" is forbidden: exceeded quota: q, requested: cpu=1",
             "raise the resource quota"},
         row{"pods \"x\" is forbidden: error looking up service account a/b",
             "correct the service account"},
         row{"admission webhook \"w\" denied the request: no", "the webhook"},
         row{"pods \"x\" is forbidden: violates PodSecurity \"baseline\"",
             "security context"},
         row{"Internal error: failed calling webhook \"w\"", "does not answer"},
       }) {
    auto result = explain_refusal({errc::forbidden, message});
    EXPECT_EQ(result.code, errc::forbidden);
    EXPECT_THAT(result.text, AllOf(StartsWith(message), HasSubstr(remedy)));
  }
}

TEST(Advice, LeavesOtherFailuresAlone) {
  failure other{errc::forbidden, "something new"};
  EXPECT_EQ(explain_refusal(other), other);
  failure conflict{errc::conflict, "exceeded quota"};
  EXPECT_EQ(explain_refusal(conflict), conflict);
}

TEST(Advice, TellsWhatToDoAboutAnEventThatDoesNot) {
  pod_event event;
  event.reason = "FailedMount";
  EXPECT_THAT(event_advice(event).value_or(""), HasSubstr("storage"));
  event.reason = "Scheduled";
  EXPECT_FALSE(event_advice(event));
}
