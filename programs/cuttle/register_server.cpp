#include "programs/cuttle/register_server.hpp"

#include "infra/octopus/match.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle {

using octopus::answer;
using octopus::existing_worker;
using octopus::mistake;
using octopus::worker_document;
using octopus::wrong;
using action = octopus::worker_plan::action;

octopus::session_options
session_options_of(const register_settings& wish,
                   std::chrono::milliseconds patience) {
  octopus::session_options result;
  result.server = wish.server;
  result.who = wish.who;
  result.http.proxy = {wish.proxy.host, wish.proxy.port, wish.proxy.username,
                       wish.proxy.password};
  result.http.ca_pem = wish.ca_pem;
  result.patience = patience;
  return result;
}

answer<void>
check_polling_addresses(const std::vector<settings::host_and_port>& addresses,
                        const settings::polling_proxy& proxy,
                        const std::string& thumbprint,
                        std::chrono::milliseconds patience) {
  auto until = std::chrono::steady_clock::now() + patience;
  octopus::http_proxy through{proxy.host, proxy.port, proxy.username,
                              proxy.password};
  for (auto& x : addresses) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      until - std::chrono::steady_clock::now());
    auto seen = octopus::probe_comms(x.host, x.port, through,
                                     std::max(left, patience / 4));
    if (!seen)
      return tl::unexpected(seen.error());
    if (*seen == thumbprint)
      continue;
    return wrong(mistake::comms_wrong_certificate,
                 "The polling address https://" + x.host + ":"
                   + std::to_string(x.port)
                   + " shows a certificate with the thumbprint " + *seen
                   + " instead of the server's, " + thumbprint
                   + ". Most likely something in between ends TLS, or the port "
                     "is that of the web portal. Polling needs an unbroken "
                     "way: pass the port through, and check "
                     "agent.serverCommsAddresses.");
  }
  return {};
}

server_registration::server_registration(const register_settings& wish,
                                         const register_state& now,
                                         const register_work& work, options how)
  : wish_(wish), now_(now), work_(work), how_(std::move(how)), session_([&] {
      auto result = session_options_of(wish, how_.patience);
      result.on_wait = how_.on_wait;
      return result;
    }()) {}

answer<server_side> server_registration::look_up() {
  if (auto opened = session_.open(); !opened)
    return tl::unexpected(opened.error());
  auto space = session_.spaces().and_then(
    [&](auto&& all) { return octopus::find_space(all, wish_.space); });
  if (!space)
    return tl::unexpected(space.error());
  auto thumbprint = session_.server_thumbprint();
  if (!thumbprint)
    return tl::unexpected(thumbprint.error());
  if (auto entered = session_.enter(*space); !entered)
    return tl::unexpected(entered.error());
  record_.space_id = space->id;
  if (auto found = find_pools_and_policy(); !found)
    return tl::unexpected(found.error());
  if (work_.addresses)
    if (auto good = check_comms(*thumbprint); !good)
      return tl::unexpected(good.error());
  return server_side{*space, *thumbprint};
}

answer<void> server_registration::check_comms(const std::string& thumbprint) {
  return check_polling_addresses(wish_.comms, wish_.proxy, thumbprint,
                                 how_.comms_patience);
}

// Both are looked up even if an existing record keeps its own: a mistake in
// them is better named now than when they are changed.
answer<void> server_registration::find_pools_and_policy() {
  if (wish_.existing == existing_worker::adopt && wish_.pools.empty())
    return {};
  auto pools = session_.pools().and_then([&](auto&& all) {
    return octopus::find_pools(all, wish_.pools, session_.space().name);
  });
  if (!pools)
    return tl::unexpected(pools.error());
  for (auto& x : *pools)
    record_.pool_ids.push_back(x.id);
  auto policy = session_.policies().and_then([&](auto&& all) {
    return octopus::find_policy(all, wish_.policy, session_.space().name);
  });
  if (!policy)
    return tl::unexpected(policy.error());
  record_.policy_id = policy->id;
  if (policy->update_behaviour == "Update")
    telemetry::warn(
      "policy-would-upgrade",
      {{"policy", policy->name},
       {"reason",
        "The machine policy upgrades Kubernetes workers by itself, with the "
        "stock worker's chart. This worker is locked against it; set the "
        "policy to manual upgrades all the same."}});
  return {};
}

// The record that was ours last time, else the one with our certificate, else
// the one with our name.
answer<std::optional<worker_document>>
server_registration::find_record(const std::string& name,
                                 const std::string& thumbprint) {
  auto& old = now_.record;
  if (old && old->space_id == record_.space_id) {
    auto mine = session_.worker(old->worker_id);
    if (!mine)
      return mine;
    if (*mine && (*mine)->thumbprint == thumbprint)
      return mine;
  }
  auto ours = session_.workers_with(thumbprint);
  if (!ours)
    return tl::unexpected(ours.error());
  if (!ours->empty())
    return ours->front();
  auto named = session_.workers_named(name);
  if (!named)
    return tl::unexpected(named.error());
  if (auto* found = octopus::find_worker(*named, name))
    return *found;
  return std::nullopt;
}

answer<registration_record>
server_registration::write(const std::string& name,
                           const std::string& thumbprint,
                           const std::string& subscription) {
  session_.extend(how_.patience);
  record_.name = name;
  record_.thumbprint = thumbprint;
  record_.subscription = subscription;
  registration_record result;
  result.server = wish_.server.base;
  result.space = wish_.space;
  result.space_id = record_.space_id;
  result.name = name;
  result.pools = wish_.pools;
  result.policy = wish_.policy;
  for (auto attempt = 0;; ++attempt) {
    auto found = find_record(name, thumbprint);
    if (!found)
      return tl::unexpected(found.error());
    auto plan = octopus::plan_worker(*found ? &**found : nullptr, record_,
                                     work_.changed, wish_.existing);
    if (!plan)
      return tl::unexpected(plan.error());
    if (!plan->taken_from.empty())
      telemetry::warn("worker-taken-over", {{"from", plan->taken_from}});
    if (plan->what == action::nothing) {
      result.worker_id = (*found)->id;
      telemetry::info("worker-unchanged", {{"worker", result.worker_id}});
      return result;
    }
    auto create = plan->what == action::create;
    auto done = create ? session_.create_worker(plan->body)
                       : session_.update_worker(plan->self, plan->body);
    if (done) {
      result.worker_id = done->id;
      telemetry::info(create ? "worker-created" : "worker-updated",
                      {{"worker", done->id},
                       {"name", done->name},
                       {"changes", plan->changes}});
      return result;
    }
    // The answer may be lost, or another one was faster: look again, once.
    auto& why = done.error();
    auto unclear = octopus::worth_waiting(why.what)
                   || (create && why.what == mistake::refused);
    if (attempt > 0 || !unclear)
      return tl::unexpected(why);
  }
}

} // namespace cuttle
