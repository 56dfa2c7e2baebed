#include "actors/fair_queue.hpp"

#include <algorithm>
#include <utility>

namespace cuttle {

struct fair_queue::child {
  std::string name;
  std::unique_ptr<node> what;
};

struct fair_queue::node {
  // Whose turn it is stands first. Empty on the last level.
  children turns;
  // Only on the last level, in the order of their turns.
  std::deque<std::pair<turn, std::string>> keys;
  std::size_t size = 0;

  children::iterator find(const std::string& name) {
    return std::find_if(turns.begin(), turns.end(),
                        [&](const child& x) { return x.name == name; });
  }

  auto find(const turn& at) const {
    return std::lower_bound(keys.begin(), keys.end(), at,
                            [](auto& x, auto& y) { return x.first < y; });
  }
};

namespace {

constexpr std::size_t levels = std::tuple_size_v<queue_path>;

} // namespace

queue_path path_of(const start_script& command) {
  if (!command.auth)
    return {};
  return {command.auth->space_slug, command.auth->project_slug,
          command.auth->tenant_slug.value_or("")};
}

bool is_urgent(const start_script& command) {
  return command.raw
         && command.service_account == "octopus-agent-auto-upgrader";
}

fair_queue::fair_queue()
  : urgent_(std::make_unique<node>()), others_(std::make_unique<node>()) {}

fair_queue::~fair_queue() = default;

void fair_queue::push(const queue_path& who, const std::string& key,
                      std::uint64_t order, bool urgent) {
  place where{who, {order, ++added_}, urgent};
  if (!places_.emplace(key, where).second)
    return;
  auto* at = urgent ? urgent_.get() : others_.get();
  ++at->size;
  for (auto& name : who) {
    auto i = at->find(name);
    if (i == at->turns.end())
      i = at->turns.insert(i, {name, std::make_unique<node>()});
    at = i->what.get();
    ++at->size;
  }
  at->keys.insert(at->find(where.at), {where.at, key});
}

bool fair_queue::next_is_urgent() const {
  return urgent_->size > 0 && (others_->size == 0 || in_a_row_ < most_urgent);
}

std::optional<std::string> fair_queue::pop() {
  if (empty())
    return std::nullopt;
  auto urgent = next_is_urgent();
  in_a_row_ = urgent && others_->size > 0 ? in_a_row_ + 1 : 0;
  auto key = take(urgent ? *urgent_ : *others_, 0);
  places_.erase(key);
  return key;
}

std::string fair_queue::take(node& from, std::size_t level) {
  --from.size;
  if (level == levels) {
    auto key = std::move(from.keys.front().second);
    from.keys.pop_front();
    return key;
  }
  auto first = from.turns.begin();
  auto key = take(*first->what, level + 1);
  if (first->what->size == 0)
    from.turns.erase(first);
  else
    from.turns.splice(from.turns.end(), from.turns, first);
  return key;
}

bool fair_queue::erase(const std::string& key) {
  auto i = places_.find(key);
  if (i == places_.end())
    return false;
  drop(i->second.urgent ? *urgent_ : *others_, i->second, 0);
  places_.erase(i);
  return true;
}

void fair_queue::drop(node& from, const place& which, std::size_t level) {
  --from.size;
  if (level == levels) {
    from.keys.erase(from.find(which.at));
    return;
  }
  auto i = from.find(which.who[level]);
  drop(*i->what, which, level + 1);
  if (i->what->size == 0)
    from.turns.erase(i);
}

std::optional<std::size_t> fair_queue::before(const std::string& key) const {
  auto i = places_.find(key);
  if (i == places_.end())
    return std::nullopt;
  auto left = most_urgent - in_a_row_;
  if (i->second.urgent) {
    auto own = rank(*urgent_, i->second, 0);
    auto others = own < left ? 0 : 1 + (own - left) / most_urgent;
    return own + std::min(others, others_->size);
  }
  auto own = rank(*others_, i->second, 0);
  return own + std::min(left + own * most_urgent, urgent_->size);
}

std::size_t fair_queue::rank(const node& from, const place& which,
                             std::size_t level) {
  if (level == levels)
    return static_cast<std::size_t>(from.find(which.at) - from.keys.begin());
  // Before its own turn, each of the others has had as many turns as its child
  // had, and one more if it stands before it.
  auto own = std::find_if(from.turns.begin(), from.turns.end(),
                          [&](auto& x) { return x.name == which.who[level]; });
  auto turns = rank(*own->what, which, level + 1);
  auto result = turns;
  auto passed = false;
  for (auto& x : from.turns) {
    if (&x == &*own)
      passed = true;
    else
      result += std::min(x.what->size, passed ? turns : turns + 1);
  }
  return result;
}

} // namespace cuttle
