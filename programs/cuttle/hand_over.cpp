#include "programs/cuttle/hand_over.hpp"

#include "infra/telemetry/log.hpp"
#include "programs/cuttle/await.hpp"

namespace cuttle {

namespace {

using namespace std::chrono_literals;

tl::unexpected<failure> late() {
  return fail(errc::deadline_exceeded, "the API server did not answer in time");
}

outcome<void> remove_if_leaving(kubernetes::cluster& cluster,
                                const std::string& pod, const std::string& uid,
                                std::chrono::milliseconds patience) {
  auto self = await<pod_snapshot>(patience, [&](auto done) {
                cluster.get_pod(pod, std::move(done));
              }).value_or(late());
  if (!self)
    return tl::unexpected{self.error()};
  if (self->uid != uid || !self->deleting)
    return {};
  auto gone = await<void>(patience, [&](auto done) {
                cluster.delete_pod(pod, uid, 0s, std::move(done));
              }).value_or(late());
  if (gone)
    telemetry::info("handed-over", {{"pod", pod}});
  return gone;
}

} // namespace

void hand_over(const kubernetes::access& access, const std::string& pod,
               const std::string& uid, std::chrono::milliseconds patience) {
  if (pod.empty() || uid.empty())
    return;
  kubernetes::api_options options;
  options.patience = patience;
  kubernetes::api_client cluster{access, std::move(options)};
  auto result = remove_if_leaving(cluster, pod, uid, patience);
  if (!result)
    telemetry::warn("not-handed-over",
                    {{"pod", pod},
                     {"reason", result.error().text},
                     {"effect", "the next worker starts once the node has "
                                "reported the end of this one"}});
}

} // namespace cuttle
