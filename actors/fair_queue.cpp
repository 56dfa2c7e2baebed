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
  // Only on the last level.
  std::deque<std::string> keys;
  std::size_t size = 0;

  children::iterator find(const std::string& name) {
    return std::find_if(turns.begin(), turns.end(),
                        [&](const child& x) { return x.name == name; });
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

fair_queue::fair_queue() : root_(std::make_unique<node>()) {}

fair_queue::~fair_queue() = default;

void fair_queue::push(const queue_path& who, const std::string& key) {
  if (!paths_.emplace(key, who).second)
    return;
  auto* at = root_.get();
  ++at->size;
  for (auto& name : who) {
    auto i = at->find(name);
    if (i == at->turns.end())
      i = at->turns.insert(i, {name, std::make_unique<node>()});
    at = i->what.get();
    ++at->size;
  }
  at->keys.push_back(key);
}

std::optional<std::string> fair_queue::pop() {
  if (empty())
    return std::nullopt;
  auto key = take(*root_, 0);
  paths_.erase(key);
  return key;
}

std::string fair_queue::take(node& from, std::size_t level) {
  --from.size;
  if (level == levels) {
    auto key = std::move(from.keys.front());
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
  auto i = paths_.find(key);
  if (i == paths_.end())
    return false;
  drop(*root_, i->second, 0, key);
  paths_.erase(i);
  return true;
}

void fair_queue::drop(node& from, const queue_path& who, std::size_t level,
                      const std::string& key) {
  --from.size;
  if (level == levels) {
    std::erase(from.keys, key);
    return;
  }
  auto i = from.find(who[level]);
  drop(*i->what, who, level + 1, key);
  if (i->what->size == 0)
    from.turns.erase(i);
}

std::optional<std::size_t> fair_queue::before(const std::string& key) const {
  auto i = paths_.find(key);
  if (i == paths_.end())
    return std::nullopt;
  return rank(*root_, i->second, 0, key);
}

std::size_t fair_queue::rank(const node& from, const queue_path& who,
                             std::size_t level, const std::string& key) {
  if (level == levels)
    return static_cast<std::size_t>(
      std::find(from.keys.begin(), from.keys.end(), key) - from.keys.begin());
  // Before its own turn, each of the others has had as many turns as its child
  // had, and one more if it stands before it.
  auto own = std::find_if(from.turns.begin(), from.turns.end(),
                          [&](auto& x) { return x.name == who[level]; });
  auto turns = rank(*own->what, who, level + 1, key);
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
