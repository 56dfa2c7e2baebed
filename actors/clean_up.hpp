#pragma once

#include <chrono>
#include <vector>

#include "messages/operation.hpp"

namespace cuttle {

/// Tickets whose pods ended at least `age` before `now` and were not completed
/// [ORP-01], [ORP-02].
std::vector<script_ticket>
find_orphans(const std::vector<operation_summary>& operations, timestamp now,
             std::chrono::minutes age);

/// Tickets whose pods are pending since more than `limit` [PND-01]. A pod
/// without creation time is never one of them [PND-03].
std::vector<script_ticket>
find_stuck(const std::vector<operation_summary>& operations, timestamp now,
           std::chrono::minutes limit);

/// Workspaces last written more than `age` before `now` whose ticket is not in
/// flight [WS-09].
std::vector<script_ticket>
find_stale(const std::vector<workspace_entry>& workspaces,
           const std::vector<operation_summary>& operations, timestamp now,
           std::chrono::milliseconds age);

} // namespace cuttle
