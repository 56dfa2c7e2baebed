#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "messages/script.hpp"

namespace cuttle {

/// Whom an operation is for, from wide to narrow: space, project, tenant.
using queue_path = std::array<std::string, 3>;

/// As far as the request tells; what it does not tell is empty.
queue_path path_of(const start_script& command);

/// Operations that wait, in turns: spaces take turns, in a space its projects,
/// in a project its tenants; for one tenant, who came first goes first. So a
/// project with a thousand operations delays another's next one by one. Pure.
class fair_queue {
public:
  fair_queue();
  ~fair_queue();

  /// Adds a key that is not in the queue yet.
  void push(const queue_path& who, const std::string& key);

  /// Takes the next key; nothing when none waits.
  std::optional<std::string> pop();

  /// Takes a key out, wherever it is; false when it does not wait.
  bool erase(const std::string& key);

  /// How many leave before this key if nothing else comes; nothing when it does
  /// not wait. Takes time by the number of spaces, projects and tenants, and of
  /// the tenant's own operations.
  std::optional<std::size_t> before(const std::string& key) const;

  std::size_t size() const {
    return paths_.size();
  }

  bool empty() const {
    return paths_.empty();
  }

private:
  struct node;
  struct child;
  using children = std::list<child>;

  static void drop(node& from, const queue_path& who, std::size_t level,
                   const std::string& key);
  static std::string take(node& from, std::size_t level);
  static std::size_t rank(const node& from, const queue_path& who,
                          std::size_t level, const std::string& key);

  std::unique_ptr<node> root_;
  std::map<std::string, queue_path> paths_;
};

} // namespace cuttle
