#pragma once

// Internal: what each scenario does, for their table. All of them block.

#include "programs/cuttle/scenario_stage.hpp"

namespace cuttle::scenario_plays {

void hello(scenario_stage& stage);
void fails(scenario_stage& stage);
void pod_deleted(scenario_stage& stage);
void worker_killed(scenario_stage& stage);
void cancelled(scenario_stage& stage);
void storage_lost(scenario_stage& stage);
void storage_lost_raw(scenario_stage& stage);
void platform(scenario_stage& stage);
void unknown_platform(scenario_stage& stage);
void storage_counted(scenario_stage& stage);
void migration(scenario_stage& stage);
void upgrade(scenario_stage& stage);
void cluster_versions(scenario_stage& stage);

} // namespace cuttle::scenario_plays
