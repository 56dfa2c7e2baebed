#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "infra/kubernetes/manifest.hpp"

using namespace cuttle;
using namespace cuttle::kubernetes;
using kind = container_status::kind;
using testing::AllOf;
using testing::HasSubstr;

namespace {

constexpr auto name = "octopus-script-abc";

container_status container(std::string container_name, kind state,
                           std::string reason = "", std::string message = "",
                           int exit_code = 0) {
  container_status result;
  result.name = std::move(container_name);
  result.state = state;
  result.reason = std::move(reason);
  result.message = std::move(message);
  result.exit_code = exit_code;
  return result;
}

pod_snapshot pod_with(std::vector<container_status> containers) {
  pod_snapshot result;
  result.name = name;
  result.containers = std::move(containers);
  return result;
}

} // namespace

TEST(Judge, CallsAPodWithoutContainersPending_MON10) {
  auto pod = pod_with({});
  for (auto phase : {"", "Foo", "Running", "Succeeded"}) {
    pod.phase = phase;
    auto verdict = judge(pod);
    EXPECT_EQ(verdict.phase, pod_phase::pending) << phase;
    EXPECT_FALSE(verdict.container_ended);
    EXPECT_FALSE(verdict.finished_at);
  }
}

TEST(Judge, IgnoresOtherContainers_MON10) {
  auto pod
    = pod_with({container("nfs-watchdog", kind::terminated, "Error", "", 3)});
  EXPECT_EQ(judge(pod).phase, pod_phase::pending);
  pod.containers.push_back(container(name, kind::running));
  EXPECT_EQ(judge(pod).phase, pod_phase::running);
  EXPECT_EQ(judge(pod).cause, "");
}

TEST(Judge, CallsAWaitingContainerPendingAlsoAfterRunning_MON10) {
  auto pod = pod_with({container(name, kind::waiting, "ContainerCreating")});
  auto verdict = judge(pod);
  EXPECT_EQ(verdict.phase, pod_phase::pending);
  EXPECT_EQ(verdict.cause, "");
}

TEST(Judge, TakesCodeAndTimeOfATerminatedContainer_MON10) {
  auto pod = pod_with({container(name, kind::terminated, "Completed")});
  pod.phase = "Running";
  auto end = timestamp{std::chrono::seconds{1'700'000'000}};
  pod.containers[0].finished_at = end;
  auto verdict = judge(pod);
  EXPECT_EQ(verdict.phase, pod_phase::succeeded);
  EXPECT_EQ(verdict.exit_code, 0);
  EXPECT_EQ(verdict.finished_at, end);
  EXPECT_TRUE(verdict.container_ended);
  pod.containers[0].exit_code = 123;
  verdict = judge(pod);
  EXPECT_EQ(verdict.phase, pod_phase::failed);
  EXPECT_EQ(verdict.exit_code, 123);
  EXPECT_EQ(verdict.cause, "");
}

TEST(Judge, UsesTheCurrentTimeWhenTheEndHasNone_MON10) {
  auto before = std::chrono::system_clock::now();
  auto verdict = judge(pod_with({container(name, kind::terminated)}));
  ASSERT_TRUE(verdict.finished_at);
  EXPECT_GE(*verdict.finished_at, before);
  EXPECT_LE(*verdict.finished_at, std::chrono::system_clock::now());
}

TEST(Judge, NamesEachReasonForWhichTheImageIsMissing_MON13) {
  for (auto reason : {"ImagePullBackOff", "ErrImagePull", "InvalidImageName",
                      "ErrImageNeverPull"}) {
    auto verdict
      = judge(pod_with({container(name, kind::waiting, reason, "no 'x:1'")}));
    EXPECT_THAT(verdict.cause, AllOf(HasSubstr(reason), HasSubstr("no 'x:1'"),
                                     HasSubstr("image")));
  }
}

TEST(Judge, ReadsAsSentencesWithTheRemedy_MON13) {
  auto pod
    = pod_with({container(name, kind::waiting, "CreateContainerConfigError",
                          "secret \"a\" not found")});
  EXPECT_EQ(judge(pod).cause,
            "The container cannot be configured (CreateContainerConfigError): "
            "secret \"a\" not found. Check that the config maps and secrets "
            "that the pod names exist and have the expected keys.");
}

TEST(Judge, QuotesTheScheduler_MON13) {
  auto pod = pod_with({});
  pod.phase = "Pending";
  pod.unschedulable_reason = "Unschedulable";
  pod.unschedulable_message = "0/3 nodes are available: 3 Insufficient cpu.";
  EXPECT_THAT(judge(pod).cause,
              AllOf(HasSubstr("No node can run the pod (Unschedulable): 0/3 "
                              "nodes are available: 3 Insufficient cpu. Free"),
                    HasSubstr("resource requests")));
}

TEST(Judge, EndsAPodThatFailedBeforeItsScriptAndNamesTheReason_MON13) {
  auto pod = pod_with({});
  pod.phase = "Failed";
  pod.message = "The node was low on resource: memory.";
  for (auto reason : {"Evicted", "NodeLost", "Shutdown", "Terminated",
                      "Preempting", "OutOfcpu", ""}) {
    pod.reason = reason;
    for (auto& containers :
         {std::vector<container_status>{},
          std::vector{container(name, kind::waiting, "ContainerCreating")}}) {
      pod.containers = containers;
      auto verdict = judge(pod);
      EXPECT_EQ(verdict.phase, pod_phase::failed) << reason;
      EXPECT_EQ(verdict.exit_code, exit_timeout);
      EXPECT_FALSE(verdict.container_ended);
      EXPECT_TRUE(verdict.finished_at);
      EXPECT_THAT(verdict.cause,
                  AllOf(HasSubstr(reason), HasSubstr("low on resource")));
    }
  }
}

TEST(Judge, EndsWhatNeverStartsAndWaitsForWhatMay_MON13) {
  auto verdict_of = [](const char* reason) {
    return judge(pod_with({container(name, kind::waiting, reason)}));
  };
  auto bad_name = verdict_of("InvalidImageName");
  EXPECT_EQ(bad_name.phase, pod_phase::failed);
  EXPECT_EQ(bad_name.exit_code, exit_timeout);
  for (auto reason : {"CreateContainerConfigError", "ErrImageNeverPull"}) {
    auto verdict = verdict_of(reason);
    EXPECT_EQ(verdict.phase, pod_phase::pending) << reason;
    EXPECT_TRUE(verdict.ends_soon) << reason;
  }
  for (auto reason : {"ImagePullBackOff", "ErrImagePull",
                      "CreateContainerError", "ContainerCreating"}) {
    auto verdict = verdict_of(reason);
    EXPECT_EQ(verdict.phase, pod_phase::pending) << reason;
    EXPECT_FALSE(verdict.ends_soon) << reason;
  }
}

TEST(Judge, NamesAMissingVolumeClaim_MON13) {
  auto pod = pod_with({});
  pod.unschedulable_reason = "Unschedulable";
  pod.unschedulable_message
    = "0/1 nodes are available: persistentvolumeclaim \"w\" not found.";
  auto verdict = judge(pod);
  EXPECT_EQ(verdict.phase, pod_phase::pending);
  EXPECT_THAT(verdict.cause, AllOf(HasSubstr("volume claim"),
                                   HasSubstr("\"w\""), HasSubstr("is bound")));
}

TEST(Judge, NamesEvictionOfARunningScript_MON13) {
  auto pod = pod_with({container(name, kind::terminated, "Error", "", 137)});
  pod.phase = "Failed";
  pod.reason = "Evicted";
  pod.message = "Usage exceeds the limit";
  auto verdict = judge(pod);
  EXPECT_EQ(verdict.exit_code, 137);
  EXPECT_THAT(verdict.cause, HasSubstr("Evicted"));
  pod.containers[0].reason = "ContainerStatusUnknown";
  EXPECT_THAT(judge(pod).cause, HasSubstr("Evicted"));
  pod.reason.clear();
  EXPECT_THAT(judge(pod).cause, HasSubstr("ContainerStatusUnknown"));
}

TEST(Judge, NamesOutOfMemory_MON13) {
  auto pod
    = pod_with({container(name, kind::terminated, "OOMKilled", "", 137)});
  auto verdict = judge(pod);
  EXPECT_EQ(verdict.exit_code, 137);
  EXPECT_EQ(verdict.cause,
            "The container ran out of memory and was killed (OOMKilled). "
            "Raise the memory limit of script pods or use less memory.");
}

TEST(Judge, EndsWithAFailedInitContainerAndNamesIt_RAW05) {
  auto pod = pod_with({container(name, kind::waiting, "PodInitializing")});
  pod.phase = "Pending";
  pod.init_containers = {container(std::string(name) + "-init",
                                   kind::terminated, "Error", "no space", 2)};
  auto verdict = judge(pod);
  EXPECT_EQ(verdict.phase, pod_phase::failed);
  EXPECT_EQ(verdict.exit_code, exit_timeout);
  EXPECT_THAT(verdict.cause,
              AllOf(HasSubstr("octopus-script-abc-init"),
                    HasSubstr("exit code 2"), HasSubstr("no space")));
}

TEST(Judge, NamesAnInitContainerWhoseImageIsMissing_RAW05) {
  auto pod = pod_with({container(name, kind::waiting, "PodInitializing")});
  pod.init_containers = {container("x-init", kind::waiting, "ErrImagePull")};
  EXPECT_THAT(judge(pod).cause,
              AllOf(HasSubstr("x-init"), HasSubstr("ErrImagePull")));
}

TEST(Judge, KeepsACauseShortAndOnOneLine) {
  std::string message = "first\nsecond ";
  for (int i = 0; i < 2000; ++i)
    message += "ä";
  auto cause
    = judge(pod_with({container(name, kind::waiting, "ErrImagePull", message)}))
        .cause;
  EXPECT_LT(cause.size(), 1400u);
  EXPECT_THAT(cause, AllOf(HasSubstr("first second ä"), HasSubstr("ä….")));
  EXPECT_EQ(cause.find('\n'), std::string::npos);
}
