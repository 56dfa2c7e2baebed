#include "actors/isolation.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace cuttle {

namespace {

using claim = isolation_locks::claim;

bool writes(const claim& x) {
  return x.level == isolation_level::full;
}

std::string link(const std::string& task) {
  return '[' + task + "](~/app#/tasks/" + task + ')';
}

/// `a, b and c`.
std::string joined(const std::vector<std::string>& words) {
  std::string result;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0)
      result += i + 1 == words.size() ? " and " : ", ";
    result += words[i];
  }
  return result;
}

/// The tasks that hold a lock, each once, sorted.
std::set<std::string> tasks_of(const std::vector<claim>& holders) {
  std::set<std::string> result;
  for (auto& x : holders)
    result.insert(x.task);
  return result;
}

std::string list_of(const std::set<std::string>& tasks,
                    const std::string& own) {
  std::vector<std::string> words;
  for (auto& task : tasks)
    words.push_back(task == own ? std::string{"This Task"} : link(task));
  return joined(words);
}

constexpr auto same_time = "requires that no other Octopus scripts are "
                           "executing on this target at the same time.";

} // namespace

std::string acquiring_text(const claim& x) {
  return "Acquiring isolation mutex " + x.mutex + " with "
         + (writes(x) ? "FullIsolation" : "NoIsolation") + " in " + x.task;
}

bool isolation_locks::fits(const lock& l, const claim& x) {
  if (l.holders.empty())
    return true;
  return !writes(x) && !writes(l.holders.front());
}

bool isolation_locks::take(claim x) {
  auto& l = locks_[x.mutex];
  by_ticket_[x.ticket] = x.mutex;
  if (l.queue.empty() && fits(l, x)) {
    l.holders.push_back(std::move(x));
    return true;
  }
  l.queue.push_back(std::move(x));
  return false;
}

std::vector<std::string> isolation_locks::release(const std::string& ticket) {
  std::vector<std::string> granted;
  auto name = by_ticket_.find(ticket);
  if (name == by_ticket_.end())
    return granted;
  auto i = locks_.find(name->second);
  by_ticket_.erase(name);
  if (i == locks_.end())
    return granted;
  auto& [holders, queue] = i->second;
  auto mine = [&](const claim& x) { return x.ticket == ticket; };
  std::erase_if(holders, mine);
  std::erase_if(queue, mine);
  while (!queue.empty() && fits(i->second, queue.front())) {
    granted.push_back(queue.front().ticket);
    holders.push_back(std::move(queue.front()));
    queue.pop_front();
  }
  if (holders.empty())
    locks_.erase(i);
  return granted;
}

const isolation_locks::lock*
isolation_locks::lock_of(const std::string& ticket) const {
  auto name = by_ticket_.find(ticket);
  if (name == by_ticket_.end())
    return nullptr;
  auto i = locks_.find(name->second);
  return i == locks_.end() ? nullptr : &i->second;
}

bool isolation_locks::waits(const std::string& ticket) const {
  auto* l = lock_of(ticket);
  return l && std::any_of(l->queue.begin(), l->queue.end(), [&](auto& x) {
           return x.ticket == ticket;
         });
}

std::size_t isolation_locks::waiting() const {
  std::size_t result = 0;
  for (auto& [name, l] : locks_)
    result += l.queue.size();
  return result;
}

std::string isolation_locks::busy_text(const std::string& ticket) const {
  auto* l = lock_of(ticket);
  if (!l)
    return {};
  auto i = std::find_if(l->queue.begin(), l->queue.end(),
                        [&](auto& x) { return x.ticket == ticket; });
  if (i == l->queue.end())
    return {};
  auto tasks = tasks_of(l->holders);
  auto list = list_of(tasks, i->task);
  if (tasks.size() > 1)
    return "Waiting on scripts in tasks " + list + " to finish. This script "
           + same_time;
  if (tasks.contains(i->task))
    return std::string{"Waiting on another script in this task to finish as "}
           + (writes(*i) ? "this" : "another") + " task " + same_time;
  return "Waiting for the script in task " + list + " to finish as "
         + (writes(*i) ? "this" : "that") + " script " + same_time;
}

std::string isolation_locks::still_running(const std::string& ticket) const {
  auto* l = lock_of(ticket);
  if (!l)
    return {};
  std::string own;
  for (auto& x : l->queue)
    if (x.ticket == ticket)
      own = x.task;
  auto tasks = tasks_of(l->holders);
  auto several = tasks.size() > 1;
  return (several ? " Tasks " : " Task ") + list_of(tasks, own)
         + (several ? " are" : " is") + " still running.";
}

std::string isolation_locks::cancelled_text(const std::string& ticket) const {
  return "This task was canceled before it could start."
         + still_running(ticket);
}

std::string
isolation_locks::timed_out_text(const std::string& ticket,
                                std::chrono::milliseconds waited) const {
  auto minutes = std::chrono::round<std::chrono::minutes>(waited);
  return "This task waited more than " + std::to_string(minutes.count())
         + " minutes and timed out." + still_running(ticket);
}

} // namespace cuttle
