#include "infra/sim/cluster_trouble.hpp"

#include <algorithm>

namespace cuttle::sim {

namespace {

constexpr std::size_t max_calls = 1'000'000;

} // namespace

void cluster_trouble::add(rule next) {
  if (next.times == 0)
    return;
  std::lock_guard lock{mutex_};
  rules_.push_back(std::move(next));
}

void cluster_trouble::break_at(unsigned n, bool after_effect,
                               call_action action) {
  std::lock_guard lock{mutex_};
  break_in_ = n;
  after_effect_ = after_effect;
  action_ = std::move(action);
}

cluster_trouble::verdict cluster_trouble::note(const request_path& call) {
  auto text
    = call.verb + ' ' + (call.resource.empty() ? call.path : call.resource);
  if (!call.name.empty())
    text += ' ' + call.name;
  std::lock_guard lock{mutex_};
  if (calls_.size() < max_calls)
    calls_.push_back(text);
  if (break_in_ > 0 && --break_in_ == 0) {
    verdict result;
    result.lose_answer = true;
    result.skip = !after_effect_;
    result.action = [action = std::move(action_), text] { action(text); };
    return result;
  }
  auto fits = [&](const rule& x) {
    return (x.verb.empty() || x.verb == call.verb)
           && (x.resource.empty() || x.resource == call.resource);
  };
  auto found = std::find_if(rules_.begin(), rules_.end(), fits);
  if (found == rules_.end())
    return {};
  verdict result;
  result.error = found->error;
  result.lose_answer = !found->error;
  if (--found->times == 0)
    rules_.erase(found);
  return result;
}

std::vector<std::string> cluster_trouble::calls() const {
  std::lock_guard lock{mutex_};
  return calls_;
}

} // namespace cuttle::sim
