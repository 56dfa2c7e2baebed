#include "actors/waiting_room.hpp"

#include <algorithm>

namespace cuttle {

using std::chrono::milliseconds;

waiting_room::guest& waiting_room::add(guest who) {
  auto key = who.ticket.key();
  who.at = stage::keeping;
  auto [i, added] = guests_.emplace(key, std::move(who));
  if (added)
    by_age_.emplace(i->second.since, key);
  return i->second;
}

waiting_room::guest* waiting_room::find(const std::string& key) {
  auto i = guests_.find(key);
  return i == guests_.end() ? nullptr : &i->second;
}

void waiting_room::move_to(guest& who, stage next) {
  if (who.at == stage::loading)
    --loading_;
  who.at = next;
  if (next == stage::loading)
    ++loading_;
}

void waiting_room::wait(const std::string& key) {
  auto* who = find(key);
  if (!who)
    return;
  move_to(*who, stage::waiting);
  // By the time of its request, also after a restart.
  auto order
    = std::chrono::duration_cast<milliseconds>(who->since.time_since_epoch());
  queue_.push(
    who->path, key,
    static_cast<std::uint64_t>(std::max<std::int64_t>(order.count(), 0)),
    who->urgent);
}

void waiting_room::leave(const std::string& key) {
  if (auto* who = find(key)) {
    queue_.erase(key);
    move_to(*who, stage::leaving);
  }
}

std::optional<std::string> waiting_room::next() {
  auto key = queue_.pop();
  if (key)
    move_to(guests_.at(*key), stage::loading);
  return key;
}

void waiting_room::erase(const std::string& key) {
  auto i = guests_.find(key);
  if (i == guests_.end())
    return;
  leave(key);
  by_age_.erase({i->second.since, key});
  guests_.erase(i);
}

std::optional<std::size_t> waiting_room::place(const std::string& key) const {
  auto before = queue_.before(key);
  if (!before)
    return std::nullopt;
  return *before + 1;
}

std::optional<std::size_t> waiting_room::news(const std::string& key,
                                              timestamp now,
                                              std::chrono::seconds pause) {
  auto* who = find(key);
  if (!who || (who->said != 0 && now - who->said_at < pause))
    return std::nullopt;
  auto now_at = place(key);
  if (!now_at || *now_at == who->said)
    return std::nullopt;
  who->said = *now_at;
  who->said_at = now;
  return now_at;
}

milliseconds waiting_room::longest_wait(timestamp now) const {
  if (by_age_.empty())
    return milliseconds{0};
  return std::max(milliseconds{0}, std::chrono::duration_cast<milliseconds>(
                                     now - by_age_.begin()->first));
}

} // namespace cuttle
