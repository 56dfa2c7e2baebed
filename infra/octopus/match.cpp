#include "infra/octopus/match.hpp"

#include <algorithm>

#include "infra/settings/environment_reader.hpp"

namespace cuttle::octopus {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

template <class T>
std::vector<std::string> names_of(const std::vector<T>& items) {
  std::vector<std::string> result;
  for (auto& x : items)
    result.push_back(x.name);
  return result;
}

// By name, then slug, then id.
const named* find_named(const std::vector<named>& items,
                        std::string_view wanted) {
  for (auto field : {&named::name, &named::slug, &named::id})
    for (auto& x : items)
      if (!(x.*field).empty() && same_name(x.*field, wanted))
        return &x;
  return nullptr;
}

} // namespace

bool same_name(std::string_view x, std::string_view y) {
  x = settings::trimmed(x);
  y = settings::trimmed(y);
  return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

answer<space_document> find_space(const std::vector<space_document>& spaces,
                                  std::string_view wanted) {
  auto by_default = settings::trimmed(wanted).empty();
  for (auto& x : spaces)
    if (by_default ? x.is_default : same_name(x.name, wanted))
      return x;
  if (spaces.empty())
    return wrong(mistake::space_not_found,
                 "The user of these credentials may enter no space at all. "
                 "Make the user a member of a team of the space.");
  auto what = by_default ? std::string{"There is no default space"}
                         : "There is no space '" + one_line(wanted, 80) + "'";
  std::string hint;
  for (auto& x : spaces)
    if (same_name(x.id, wanted))
      hint = " '" + x.id + "' is the id of '" + one_line(x.name, 80)
             + "'; agent.space has to be the name.";
  return wrong(mistake::space_not_found,
               what
                 + ", or the user of these credentials has no permission to "
                   "see it. Set agent.space to one of: "
                 + listed(names_of(spaces)) + "." + hint);
}

answer<std::vector<named>> find_pools(const std::vector<named>& pools,
                                      const std::vector<std::string>& wanted,
                                      std::string_view space) {
  std::vector<named> result;
  for (auto& name : wanted) {
    auto* pool = find_named(pools, name);
    if (pool == nullptr)
      return wrong(mistake::pool_not_found,
                   "Could not find the worker pool with name, slug or Id '"
                     + one_line(name, 80) + "' in space '" + one_line(space, 80)
                     + "', or the user of these credentials has no permission "
                       "to see it. There are: "
                     + listed(names_of(pools))
                     + ". Correct agent.worker.initial.workerPools, or create "
                       "the pool.");
    if (pool->pool_type == "DynamicWorkerPool")
      return wrong(mistake::pool_dynamic,
                   "The worker pool '" + one_line(pool->name, 80)
                     + "' is a dynamic one, which takes no workers of your "
                       "own. Choose a static worker pool.");
    auto known = std::any_of(result.begin(), result.end(),
                             [&](auto& x) { return x.id == pool->id; });
    if (!known)
      result.push_back(*pool);
  }
  return result;
}

answer<named> find_policy(const std::vector<named>& policies,
                          std::string_view wanted, std::string_view space) {
  auto name = settings::trimmed(wanted).empty() ? default_policy : wanted;
  if (auto* found = find_named(policies, name))
    return *found;
  if (same_name(name, default_policy))
    for (auto& x : policies)
      if (x.is_default)
        return x;
  return wrong(mistake::policy_not_found,
               "There is no machine policy '" + one_line(name, 80)
                 + "' in space '" + one_line(space, 80)
                 + "', or the user of these credentials has no permission to "
                   "see it. Set agent.machinePolicyName to one of: "
                 + listed(names_of(policies)) + ".");
}

const worker_document* find_worker(const std::vector<worker_document>& workers,
                                   std::string_view name) {
  for (auto& x : workers)
    if (same_name(x.name, name))
      return &x;
  return nullptr;
}

} // namespace cuttle::octopus
