#include "actors/task_log.hpp"

namespace cuttle {

std::string phase_line(const std::string& pod, pod_phase phase) {
  static constexpr const char* names[]
    = {"Pending", "Running", "Succeeded", "Failed"};
  return "The Kubernetes Pod '" + pod + "' is in the '"
         + names[static_cast<std::size_t>(phase)] + "' phase";
}

std::vector<std::string> pod_not_found_lines(const std::string& pod) {
  return {
    "The Script Pod '" + pod
      + "' could not be found. This is most likely due to the Script Pod being "
        "deleted.",
    "Possible causes are:",
    "- The Script Pod was evicted/terminated by Kubernetes",
    "If you are using the default NFS storage, then also check if:",
    "- The NFS Pod was evicted due to exceeding its storage quota",
    "- The NFS Pod was restarted or moved as part of routine operation",
  };
}

std::string pending_line(const std::string& pod, std::chrono::minutes limit,
                         const std::string& cause) {
  auto result = "The Kubernetes Pod '" + pod
                + "' has been in the 'Pending' for more than "
                + std::to_string(limit.count())
                + " minutes and will be deleted.";
  if (!cause.empty())
    result += " " + cause;
  return result;
}

std::string waiting_text(std::size_t place, std::size_t waiting,
                         std::size_t creations) {
  return "This script waits for its turn at place " + std::to_string(place)
         + " of " + std::to_string(waiting) + ": the worker is creating "
         + std::to_string(creations)
         + " pods, as many as it may at a time (CUTTLE_CREATIONS_LIMIT). "
           "Spaces, projects and tenants take turns.";
}

std::string queued_text(std::size_t place, std::size_t waiting,
                        std::size_t running, std::size_t limit) {
  return "This script waits at place " + std::to_string(place) + " of "
         + std::to_string(waiting) + ": " + std::to_string(running) + " of "
         + std::to_string(limit)
         + " operations run (CUTTLE_OPERATIONS_LIMIT). Spaces, projects and "
           "tenants take turns.";
}

std::string busy_text(std::size_t place, std::size_t waiting, unsigned window) {
  return "The API server has too much to do to create the script's pod now. "
         "The worker asks it for "
         + std::to_string(window) + (window == 1 ? " pod" : " pods")
         + " at a time from now on; this script waits for its turn at place "
         + std::to_string(place) + " of " + std::to_string(waiting) + '.';
}

std::string quota_place_text(std::size_t place, std::size_t waiting) {
  return "This script waits for room in the namespace's resource quota at "
         "place "
         + std::to_string(place) + " of " + std::to_string(waiting)
         + ". Spaces, projects and tenants take turns.";
}

std::string held_prospect(std::optional<std::chrono::minutes> limit) {
  std::string result = "The script waits, and goes on by itself.";
  if (limit)
    result += " It is given up if there is no pod within "
              + duration_text(*limit) + '.';
  return result;
}

std::string held_line(const std::string& pod, std::chrono::minutes limit,
                      const std::string& cause) {
  return "The Kubernetes Pod '" + pod + "' could not be created within "
         + duration_text(limit) + ", and the script is given up. " + cause;
}

std::vector<output_line> unbegun_lines(timestamp now) {
  return {{output_source::debug, now,
           "The script had not begun: it was taken out of the worker's "
           "queue."},
          {output_source::out, now, "Script execution canceled."}};
}

std::string duration_text(std::chrono::seconds time) {
  auto minutes = std::chrono::duration_cast<std::chrono::minutes>(time);
  if (minutes.count() < 2)
    return std::to_string(time.count()) + " s";
  return std::to_string(minutes.count()) + " minutes";
}

std::vector<std::pair<output_source, std::string>>
waiting_lines(const std::string& text) {
  return {{output_source::out, "##octopus[stdout-wait]"},
          {output_source::out, text},
          {output_source::out, "##octopus[stdout-default]"}};
}

std::string prospect_text(bool ends_soon,
                          std::optional<std::chrono::minutes> limit) {
  if (ends_soon)
    return "The script is given up unless this passes within a minute.";
  if (!limit)
    return "The script waits for this to pass, however long that takes: there "
           "is no limit (OCTOPUS__K8STENTACLE__PENDINGPODSSTUCKAFTERMINUTES).";
  return "The script waits for this to pass, until its pod has been pending "
         "for "
         + std::to_string(limit->count())
         + (limit->count() == 1 ? " minute." : " minutes.");
}

std::vector<std::pair<output_source, std::string>>
cause_lines(const std::string& cause, bool failed) {
  if (failed)
    return {{output_source::err, cause}};
  return {{output_source::out, "##octopus[stdout-warning]"},
          {output_source::out, cause},
          {output_source::out, "##octopus[stdout-default]"}};
}

} // namespace cuttle
