#include "infra/octopus/worker_plan.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "infra/octopus/match.hpp"

namespace cuttle::octopus {

namespace {

using json = nlohmann::ordered_json;

constexpr auto our_style = "KubernetesTentacle";

std::string text_of(const json& x) {
  return x.dump(-1, ' ', false, json::error_handler_t::replace);
}

json endpoint_of(const worker_wish& wish) {
  return {{"CommunicationStyle", our_style},
          {"TentacleEndpointConfiguration",
           {{"CommunicationMode", "Polling"},
            {"Thumbprint", wish.thumbprint},
            {"Uri", wish.subscription}}},
          {"UpgradeLocked", true},
          {"DefaultNamespace", nullptr}};
}

std::string creation(const worker_wish& wish) {
  json body;
  body["Name"] = wish.name;
  body["SpaceId"] = wish.space_id;
  body["MachinePolicyId"] = wish.policy_id;
  body["WorkerPoolIds"] = wish.pool_ids;
  body["IsDisabled"] = false;
  body["SkipInitialHealthCheck"] = false;
  body["Endpoint"] = endpoint_of(wish);
  body["Links"] = json::object();
  return text_of(body);
}

template <class T>
bool same_set(std::vector<T> x, std::vector<T> y) {
  std::sort(x.begin(), x.end());
  std::sort(y.begin(), y.end());
  return x == y;
}

// Changes of one record, with the words for them.
class update {
public:
  explicit update(const worker_document& found)
    : body_(json::parse(found.text, nullptr, false)), found_(found) {
    if (!body_.is_object())
      body_ = json::object();
  }

  void endpoint(const worker_wish& wish) {
    auto good = found_.style == our_style
                && found_.thumbprint == wish.thumbprint
                && found_.uri == wish.subscription;
    if (good && found_.upgrade_locked)
      return;
    auto& now = body_["Endpoint"];
    if (found_.style != our_style || !now.is_object()) {
      now = endpoint_of(wish);
    } else {
      // What else the server keeps there (certificate algorithm, details of
      // the chart) stays.
      auto fresh = endpoint_of(wish);
      auto& inner = now["TentacleEndpointConfiguration"];
      if (!inner.is_object())
        inner = json::object();
      inner.update(fresh["TentacleEndpointConfiguration"]);
      now["UpgradeLocked"] = true;
    }
    note(good ? "upgrade lock" : "endpoint");
  }

  void name(const worker_wish& wish) {
    if (found_.name == wish.name)
      return;
    body_["Name"] = wish.name;
    note("name");
  }

  void pools(const worker_wish& wish) {
    if (wish.pool_ids.empty() || same_set(found_.pool_ids, wish.pool_ids))
      return;
    body_["WorkerPoolIds"] = wish.pool_ids;
    note("pools");
  }

  void policy(const worker_wish& wish) {
    if (wish.policy_id.empty() || found_.policy_id == wish.policy_id)
      return;
    body_["MachinePolicyId"] = wish.policy_id;
    note("policy");
  }

  worker_plan plan() const {
    worker_plan result;
    result.self = found_.self;
    if (result.self.empty())
      result.self = "/api/workers/" + found_.id;
    result.changes = changes_;
    if (changes_.empty())
      return result;
    result.what = worker_plan::action::update;
    result.body = text_of(body_);
    return result;
  }

private:
  void note(const char* what) {
    changes_ += (changes_.empty() ? "" : ", ") + std::string{what};
  }

  json body_;
  const worker_document& found_;
  std::string changes_;
};

std::string described(const worker_document& x) {
  std::string kind = x.style.empty() ? "unknown kind" : one_line(x.style, 40);
  return "'" + one_line(x.name, 80) + "' (" + one_line(x.id, 40) + ", " + kind
         + (x.thumbprint.empty() ? "" : ", thumbprint " + x.thumbprint) + ")";
}

} // namespace

answer<worker_plan> plan_worker(const worker_document* found,
                                const worker_wish& wish,
                                const changed_parts& changed,
                                existing_worker mode) {
  if (found == nullptr) {
    if (mode == existing_worker::adopt)
      return wrong(mistake::worker_not_found,
                   "There is no worker '" + one_line(wish.name, 80)
                     + "' to adopt. Create it first, or let this installation "
                       "create it (--existing take-over).");
    worker_plan result;
    result.what = worker_plan::action::create;
    result.body = creation(wish);
    return result;
  }
  update change{*found};
  change.endpoint(wish);
  if (found->thumbprint == wish.thumbprint) {
    if (changed.name)
      change.name(wish);
    if (changed.pools)
      change.pools(wish);
    if (changed.policy)
      change.policy(wish);
    return change.plan();
  }
  auto advice = " Choose another agent.name, delete the record, or register "
                "with --existing force.";
  if (mode == existing_worker::refuse)
    return wrong(mistake::name_taken,
                 "The name is taken: there is a worker " + described(*found)
                   + " that is not this installation's." + advice);
  if (found->style != our_style && mode != existing_worker::force)
    return wrong(mistake::name_taken,
                 "The name is taken by a worker of another kind: "
                   + described(*found) + "." + advice);
  if (mode == existing_worker::force) {
    change.name(wish);
    change.pools(wish);
    change.policy(wish);
  }
  auto result = change.plan();
  result.taken_from = described(*found);
  return result;
}

} // namespace cuttle::octopus
