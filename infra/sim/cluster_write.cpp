// The part of `cluster_api` that changes objects.

#include <algorithm>
#include <array>

#include "infra/sim/cluster_api.hpp"
#include "infra/sim/cluster_clock.hpp"
#include "infra/sim/cluster_manifest.hpp"
#include "infra/sim/cluster_text.hpp"

namespace cuttle::sim {

namespace {

using std::chrono::seconds;

constexpr std::array chart_accounts{"default", "octopus-agent-tentacle",
                                    "octopus-agent-scripts",
                                    "octopus-agent-auto-upgrader"};

/// Whether the members that the code below goes into have the right types.
std::optional<api_error> check_shape(const std::string& resource,
                                     const nlohmann::json& object) {
  auto kind = kind_of(resource);
  auto wrong = [&](const std::string& what) {
    return bad_request(kind + " in version \"v1\" cannot be handled as a "
                       + kind + ": json: cannot unmarshal " + what);
  };
  if (!object.is_object())
    return wrong("value of type " + kind);
  for (const auto* path : {"/metadata", "/spec", "/metadata/labels",
                           "/metadata/annotations", "/data", "/stringData"}) {
    const auto& member = value_at(object, path);
    if (!member.is_null() && !member.is_object())
      return wrong(std::string{"field "} + path);
  }
  if (resource == "pods")
    for (const auto* path :
         {"/spec/containers", "/spec/initContainers", "/spec/volumes"}) {
      const auto& member = value_at(object, path);
      if (!member.is_null() && !member.is_array())
        return wrong(std::string{"field "} + path);
    }
  return std::nullopt;
}

std::optional<api_error> check_content(const std::string& resource,
                                       const nlohmann::json& object) {
  auto causes = validate(resource, object);
  if (causes.empty())
    return std::nullopt;
  return invalid(resource, text_at(object, "/metadata/name"), causes);
}

/// Members that no client may change.
void keep_identity(const nlohmann::json& before, nlohmann::json& after) {
  for (const auto* key :
       {"name", "namespace", "uid", "creationTimestamp", "resourceVersion",
        "deletionTimestamp", "deletionGracePeriodSeconds"})
    if (before["metadata"].contains(key))
      after["metadata"][key] = before["metadata"][key];
    else
      after["metadata"].erase(key);
}

struct delete_options {
  std::optional<seconds> grace;
  std::string uid;
};

tl::expected<delete_options, api_error>
read_delete_options(const request_path& path, const std::string& body) {
  delete_options result;
  auto grace = path.number("gracePeriodSeconds");
  if (!grace)
    return tl::unexpected(grace.error());
  if (*grace)
    result.grace = seconds{**grace};
  if (!body.empty()) {
    auto value = parse_json(body);
    if (!value || !value->is_object())
      return tl::unexpected(bad_request("cannot read the delete options"));
    const auto& member = value_at(*value, "/gracePeriodSeconds");
    if (member.is_number_integer())
      result.grace = seconds{member.get<std::int64_t>()};
    result.uid = text_at(*value, "/preconditions/uid");
  }
  // As in Kubernetes, a negative period means "at once, but in good order".
  if (result.grace && *result.grace < seconds{0})
    result.grace = seconds{1};
  return result;
}

std::optional<api_error> check_uid(const stored_object& object,
                                   const std::string& uid) {
  if (uid.empty() || uid == object.uid)
    return std::nullopt;
  return conflict(object.resource, object.name,
                  "the UID in the precondition (" + uid
                    + ") does not match the UID in record (" + object.uid
                    + "). The object might have been deleted and then "
                      "recreated");
}

} // namespace

std::optional<api_error>
cluster_api::check_account(const nlohmann::json& pod) const {
  auto account = text_at(pod, "/spec/serviceAccountName");
  const auto& extra = options_.service_accounts;
  if (account.empty()
      || std::find(chart_accounts.begin(), chart_accounts.end(), account)
           != chart_accounts.end()
      || std::find(extra.begin(), extra.end(), account) != extra.end())
    return std::nullopt;
  auto name = text_at(pod, "/metadata/name");
  auto result = plain_error(
    403, "pods \"" + name + "\" is forbidden: error looking up service account "
           + options_.namespace_name + '/' + account + ": serviceaccount \""
           + account + "\" not found");
  result.details = {{"name", name}, {"kind", "pods"}};
  return result;
}

std::optional<api_error>
cluster_api::check_quota(const nlohmann::json& pod) const {
  auto limit = trouble_.moods().pod_quota.load();
  if (limit == 0)
    return std::nullopt;
  unsigned used = 0;
  for (const auto& other : store_.list("pods", selector{}).items) {
    auto phase = text_at(other->value, "/status/phase");
    used += phase == "Succeeded" || phase == "Failed" ? 0 : 1;
  }
  if (used < limit)
    return std::nullopt;
  auto name = text_at(pod, "/metadata/name");
  auto result = plain_error(
    403, "pods \"" + name
           + "\" is forbidden: exceeded quota: scripts, requested: pods=1, "
             "used: pods="
           + std::to_string(used) + ", limited: pods=" + std::to_string(limit));
  result.details = {{"name", name}, {"kind", "pods"}};
  return result;
}

cluster_api::result cluster_api::create(const request_path& path,
                                        const api_request& request) {
  const auto& resource = path.resource;
  auto value = parse_json(request.body);
  if (!value)
    return tl::unexpected(bad_request(
      "the object provided is unrecognized (must be of type "
      + kind_of(resource) + "): couldn't get version/kind; json parse error"));
  if (auto error = check_shape(resource, *value))
    return tl::unexpected(*error);
  auto kind = text_at(*value, "/kind");
  if (!kind.empty() && kind != kind_of(resource))
    return tl::unexpected(
      bad_request("the object provided is unrecognized (must be of type "
                  + kind_of(resource) + "): it is a " + kind));
  auto space = text_at(*value, "/metadata/namespace");
  if (!space.empty() && space != options_.namespace_name)
    return tl::unexpected(bad_request(
      "the namespace of the provided object does not match the namespace sent "
      "on the request"));
  (*value)["kind"] = kind_of(resource);
  (*value)["apiVersion"] = "v1";
  if (resource == "secrets")
    set_secret_defaults(*value);
  if (auto error = check_content(resource, *value))
    return tl::unexpected(*error);
  if (resource == "pods") {
    if (auto error = check_account(*value))
      return tl::unexpected(*error);
    // (one that exists is told so first)
    if (!store_.find("pods", text_at(*value, "/metadata/name")))
      if (auto error = check_quota(*value))
        return tl::unexpected(*error);
    set_pod_defaults(*value);
  }
  auto made = store_.create(resource, std::move(*value));
  if (!made)
    return tl::unexpected(made.error());
  if (resource == "pods") {
    if (options_.on_pod)
      options_.on_pod((*made)->name, request.received);
    kubelet_.admit(*made);
  }
  plain_answer answer;
  answer.status = 201;
  answer.body = (*made)->text;
  return answer;
}

cluster_api::result cluster_api::patch(const request_path& path,
                                       const api_request& request) {
  const auto& resource = path.resource;
  auto type = request.content_type.substr(0, request.content_type.find(';'));
  if (type != "application/merge-patch+json")
    return tl::unexpected(plain_error(
      415, "the body of the request was in an unknown format - accepted media "
           "types include: application/merge-patch+json"));
  auto change = parse_json(request.body);
  if (!change || !change->is_object())
    return tl::unexpected(bad_request("error decoding patch"));
  auto apply = [&](nlohmann::json& object) -> std::optional<api_error> {
    auto before = object;
    auto version = text_at(*change, "/metadata/resourceVersion");
    if (!version.empty()
        && version != text_at(before, "/metadata/resourceVersion"))
      return conflict(resource, path.name,
                      "the object has been modified; please apply your changes "
                      "to the latest version and try again");
    merge_patch(object, *change);
    if (auto error = check_shape(resource, object))
      return error;
    keep_identity(before, object);
    if (resource == "secrets")
      set_secret_defaults(object);
    if (resource == "pods") {
      object["status"] = before["status"];
      if (object["spec"] != before["spec"])
        return invalid(resource, path.name,
                       {{"FieldValueForbidden", "spec",
                         "Forbidden: pod updates may not change fields of the "
                         "specification"}});
    }
    return check_content(resource, object);
  };
  auto done = store_.update(resource, path.name, {}, apply);
  if (!done)
    return tl::unexpected(done.error());
  plain_answer answer;
  answer.body = (*done)->text;
  return answer;
}

cluster_api::result cluster_api::remove(const request_path& path,
                                        const api_request& request) {
  auto options = read_delete_options(path, request.body);
  if (!options)
    return tl::unexpected(options.error());
  plain_answer answer;
  if (path.resource == "pods") {
    auto done = delete_pod(path.name, options->uid, options->grace);
    if (!done)
      return tl::unexpected(done.error());
    answer.body = (*done)->text;
    return answer;
  }
  auto found = store_.find(path.resource, path.name);
  if (!found)
    return tl::unexpected(not_found(path.resource, path.name));
  if (auto error = check_uid(*found, options->uid))
    return tl::unexpected(*error);
  if (!store_.remove(path.resource, path.name, found->uid))
    return tl::unexpected(not_found(path.resource, path.name));
  answer.body = to_text(success_object());
  return answer;
}

store_result cluster_api::delete_pod(const std::string& name,
                                     const std::string& uid,
                                     std::optional<seconds> grace) {
  auto found = store_.find("pods", name);
  if (!found)
    return tl::unexpected(not_found("pods", name));
  if (auto error = check_uid(*found, uid))
    return tl::unexpected(*error);
  bool at_once = false;
  seconds period{0};
  auto mark = [&](nlohmann::json& pod) -> std::optional<api_error> {
    const auto& own = value_at(pod, "/spec/terminationGracePeriodSeconds");
    period
      = grace ? *grace
              : seconds{own.is_number_integer() ? own.get<std::int64_t>() : 30};
    auto phase = text_at(pod, "/status/phase");
    // Nothing runs before a pod is bound and after it ended.
    at_once = period == seconds{0} || phase == "Succeeded" || phase == "Failed"
              || text_at(pod, "/spec/nodeName").empty();
    if (at_once)
      return std::nullopt;
    auto& meta = pod["metadata"];
    const auto& earlier = value_at(pod, "/metadata/deletionGracePeriodSeconds");
    if (earlier.is_number_integer()
        && earlier.get<std::int64_t>() <= period.count())
      return std::nullopt;
    meta["deletionTimestamp"] = rfc3339(cluster_now() + period);
    meta["deletionGracePeriodSeconds"] = period.count();
    return std::nullopt;
  };
  auto marked = store_.update("pods", name, found->uid, mark);
  if (!marked)
    return marked;
  kubelet_.terminate(found->uid, at_once ? seconds{0} : period);
  if (!at_once)
    return marked;
  auto last = store_.remove("pods", name, found->uid);
  return last ? store_result{last} : marked;
}

} // namespace cuttle::sim
