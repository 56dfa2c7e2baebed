#include "actors/tombstones.hpp"

#include <utility>

namespace cuttle {

void tombstones::add(const script_ticket& ticket, stone value) {
  auto key = ticket.key();
  if (stones_.insert_or_assign(key, std::move(value)).second)
    order_.push_back(std::move(key));
  while (order_.size() > most) {
    stones_.erase(order_.front());
    order_.pop_front();
  }
}

const tombstones::stone* tombstones::find(const script_ticket& ticket,
                                          timestamp now) const {
  auto i = stones_.find(ticket.key());
  return i != stones_.end() && now < i->second.until ? &i->second : nullptr;
}

void tombstones::erase(const script_ticket& ticket) {
  auto key = ticket.key();
  if (stones_.erase(key) > 0)
    std::erase(order_, key);
}

} // namespace cuttle
