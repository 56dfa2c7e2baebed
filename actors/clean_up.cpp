#include "actors/clean_up.hpp"

#include <set>

namespace cuttle {

std::vector<script_ticket>
find_orphans(const std::vector<operation_summary>& operations, timestamp now,
             std::chrono::minutes age) {
  std::vector<script_ticket> result;
  for (auto& x : operations)
    if ((x.phase == pod_phase::succeeded || x.phase == pod_phase::failed)
        && x.finished_at && *x.finished_at <= now - age)
      result.push_back(x.ticket);
  return result;
}

std::vector<script_ticket>
find_stuck(const std::vector<operation_summary>& operations, timestamp now,
           std::chrono::minutes limit) {
  std::vector<script_ticket> result;
  for (auto& x : operations)
    if (x.phase == pod_phase::pending && x.created_at
        && *x.created_at < now - limit)
      result.push_back(x.ticket);
  return result;
}

std::vector<script_ticket>
find_stale(const std::vector<workspace_entry>& workspaces,
           const std::vector<operation_summary>& operations, timestamp now,
           std::chrono::milliseconds age) {
  std::set<std::string> in_flight;
  for (auto& x : operations)
    in_flight.insert(x.ticket.key());
  std::vector<script_ticket> result;
  for (auto& x : workspaces)
    if (x.written < now - age && !in_flight.contains(x.ticket.key()))
      result.push_back(x.ticket);
  return result;
}

} // namespace cuttle
