#include "programs/cuttle/scenario.hpp"
#include "programs/cuttle/scenario_plays.hpp"

namespace cuttle {

const std::vector<scenario>& scenarios() {
  using namespace scenario_plays;
  static const std::vector<scenario> all{
    {1, "hello", "a script prints, waits and ends well",
     "The plain case, as a normal script and as a raw one (health checks and "
     "upgrades are raw): each line arrives once and in order, and the pod "
     "goes.",
     hello},
    {2, "exit-code", "a script ends with exit code 1",
     "A failed step must be red, with the output that says why.", fails},
    {3, "pod-deleted", "somebody deletes the script's pod",
     "A node drain or a hasty kubectl takes the pod away. The step must end "
     "soon, keep what was printed, and never be green.",
     pod_deleted},
    {4, "worker-killed", "the worker is killed while a script prints",
     "A worker's node may vanish in the middle of a deployment. The script "
     "goes on in its own pod; the next worker finds it and loses no line.",
     worker_killed},
    {5, "cancel", "the user cancels a sleeping script",
     "The script has to end at once, and nothing that came later may appear.",
     cancelled},
    {6, "storage-lost", "the shared volume is lost under a normal script",
     "A normal script works on the shared volume. When that goes away, the "
     "step must fail and say so, and must not hang. Played by moving the "
     "scripts' folders away.",
     storage_lost},
    {7, "storage-lost-raw", "the shared volume is lost under a raw script",
     "Health checks and upgrades work on a copy of their own and must survive "
     "the loss.",
     storage_lost_raw},
    {8, "platform", "a step that asks for linux-amd64",
     "In a cluster of several architectures the pod has to land on a node "
     "that can run its image.",
     platform},
    {9, "unknown-platform", "a step that asks for a platform without a form",
     "A slip in a step's setting is told in the task log and does not keep "
     "the script from running.",
     unknown_platform},
    {10, "storage-counted", "the storage server's pod is killed, and counted",
     "Whoever looks after the cluster wants to know how often the storage "
     "goes down. A stand-in for the NFS server's pod is made and deleted.",
     storage_counted},
    {11,
     "migration",
     "a registration by the pre-install hook moves over",
     "helm install registers the worker before its own objects exist. Its "
     "start takes that registration over, once. Config map and secret are "
     "prepared by 'cuttle register' as the hook runs it.",
     migration,
     {},
     false},
    {12, "upgrade", "a raw script replaces the worker that runs it",
     "The server upgrades a worker with a script on that worker. The script "
     "has to outlive it. Here the worker is stopped and started as the "
     "cluster does it; helm itself is played by the chart's tests.",
     upgrade},
    {13,
     "cluster-versions",
     "clusters of the versions 1.33, 1.34 and 1.35",
     "List, watch, create and logs have to work on each supported version. "
     "The embedded cluster calls itself by each; a real one is taken as it "
     "is.",
     cluster_versions,
     {"v1.33.4", "v1.34.2", "v1.35.0"}},
  };
  return all;
}

} // namespace cuttle
