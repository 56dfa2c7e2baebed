#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
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

/// Whether the script is of the server's own, a health check or an upgrade of
/// the worker [UPG-01]: they do not wait behind deployments.
bool is_urgent(const start_script& command);

/// Operations that wait, in turns: spaces take turns, in a space its projects,
/// in a project its tenants; for one tenant, who came first goes first. So a
/// project with a thousand operations delays another's next one by one. Urgent
/// ones go first, but of each five that leave one is of the others. Pure.
class fair_queue {
public:
  /// Urgent ones that leave in a row while others wait.
  static constexpr std::size_t most_urgent = 4;

  fair_queue();
  ~fair_queue();

  /// Adds a key that is not in the queue yet. Of one tenant's keys, the one
  /// with the lowest `order` goes first; the same order: who was added first.
  void push(const queue_path& who, const std::string& key,
            std::uint64_t order = 0, bool urgent = false);

  /// Takes the next key; nothing when none waits.
  std::optional<std::string> pop();

  /// Whether the next key is an urgent one.
  bool next_is_urgent() const;

  /// Takes a key out, wherever it is; false when it does not wait.
  bool erase(const std::string& key);

  bool contains(const std::string& key) const {
    return places_.contains(key);
  }

  /// How many leave before this key if nothing else comes; nothing when it does
  /// not wait. Takes time by the number of spaces, projects and tenants.
  std::optional<std::size_t> before(const std::string& key) const;

  std::size_t size() const {
    return places_.size();
  }

  bool empty() const {
    return places_.empty();
  }

private:
  struct node;
  struct child;
  using children = std::list<child>;
  using turn = std::pair<std::uint64_t, std::uint64_t>;

  struct place {
    queue_path who;
    turn at;
    bool urgent = false;
  };

  static void drop(node& from, const place& which, std::size_t level);
  static std::string take(node& from, std::size_t level);
  static std::size_t rank(const node& from, const place& which,
                          std::size_t level);

  std::unique_ptr<node> urgent_;
  std::unique_ptr<node> others_;
  // Urgent ones that left in a row.
  std::size_t in_a_row_ = 0;
  std::uint64_t added_ = 0;
  std::map<std::string, place> places_;
};

} // namespace cuttle
