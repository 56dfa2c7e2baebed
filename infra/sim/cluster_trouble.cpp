#include "infra/sim/cluster_trouble.hpp"

#include <algorithm>

namespace cuttle::sim {

namespace {

constexpr std::size_t max_calls = 1'000'000;

std::string text_of(const request_path& call) {
  auto result
    = call.verb + ' ' + (call.resource.empty() ? call.path : call.resource);
  if (!call.name.empty())
    result += ' ' + call.name;
  return result;
}

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

void cluster_trouble::take_at_most(std::string verb, std::string resource,
                                   unsigned calls, api_error refusal) {
  std::lock_guard lock{mutex_};
  crowd_verb_ = std::move(verb);
  crowd_resource_ = std::move(resource);
  crowd_limit_ = calls;
  crowd_refusal_ = std::move(refusal);
}

cluster_trouble::entry cluster_trouble::enter(const request_path& call) {
  std::lock_guard lock{mutex_};
  if (crowd_limit_ == 0 || call.verb != crowd_verb_
      || call.resource != crowd_resource_)
    return {};
  if (*crowd_ >= crowd_limit_) {
    write_down(call);
    return {nullptr, crowd_refusal_};
  }
  ++*crowd_;
  auto leave = [crowd = crowd_](void*) { --*crowd; };
  return {std::shared_ptr<void>{this, leave}, std::nullopt};
}

void cluster_trouble::write_down(const request_path& call) {
  if (calls_.size() < max_calls)
    calls_.push_back(text_of(call));
}

cluster_trouble::verdict cluster_trouble::note(const request_path& call) {
  auto text = text_of(call);
  std::lock_guard lock{mutex_};
  write_down(call);
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
