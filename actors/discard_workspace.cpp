#include "actors/discard_workspace.hpp"

#include "infra/telemetry/log.hpp"

namespace cuttle {

void discard_workspace(workspace::store& store, const script_ticket& ticket) {
  store.remove(ticket, [ticket](outcome<void> result) {
    if (!result)
      telemetry::warn(
        "workspace-not-removed",
        {{"ticket", ticket.task_id}, {"reason", result.error().text}});
  });
}

} // namespace cuttle
