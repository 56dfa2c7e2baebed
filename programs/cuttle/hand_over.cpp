#include "programs/cuttle/hand_over.hpp"

#include <future>
#include <memory>

#include "infra/telemetry/log.hpp"

namespace cuttle {

namespace {

using namespace std::chrono_literals;

// One call to its end. (Shared with the driver, since the waiting may end
// first.)
template <class T, class Call>
outcome<T> await(std::chrono::milliseconds patience, Call call) {
  auto answer = std::make_shared<std::promise<outcome<T>>>();
  auto result = answer->get_future();
  call([answer](outcome<T> value) { answer->set_value(std::move(value)); });
  if (result.wait_for(patience) != std::future_status::ready)
    return tl::unexpected{failure{errc::deadline_exceeded,
                                  "the API server did not answer in time"}};
  return result.get();
}

outcome<void> remove_if_leaving(kubernetes::cluster& cluster,
                                const std::string& pod, const std::string& uid,
                                std::chrono::milliseconds patience) {
  auto self = await<pod_snapshot>(
    patience, [&](auto done) { cluster.get_pod(pod, std::move(done)); });
  if (!self)
    return tl::unexpected{self.error()};
  if (self->uid != uid || !self->deleting)
    return {};
  auto gone = await<void>(patience, [&](auto done) {
    cluster.delete_pod(pod, uid, 0s, std::move(done));
  });
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
