#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "infra/sim/pod_play.hpp"
#include "messages/failure.hpp"

namespace cuttle::sim {

/// A part of Kubernetes, as far as a worker sees it: an API server over TLS on
/// loopback and a kubelet that runs each pod's container as a local process.
/// Real: TLS and authentication by token, resource versions, list and watch
/// with bookmarks and 410, merge patch, the log subresource with follow,
/// timestamps and sinceTime, grace periods, events, RBAC refusals, quota.
/// Not there: images (a name only), volumes (paths of this machine), init
/// containers, networks. Thread-safe.
class embedded_cluster {
public:
  struct options {
    /// Where pod logs, keys and tokens go; removed at the end if made here.
    std::filesystem::path directory;
    std::string namespace_name = "octopus-worker-demo";
    /// Time between "pod created" and "container running", for show.
    std::chrono::milliseconds schedule_delay{50};
    std::chrono::milliseconds pull_delay{150};
    /// Images that can not be pulled; all others are "there".
    std::vector<std::string> missing_images;
    /// History kept for watches; older resource versions get 410.
    std::size_t history = 1'000;
    /// A container log larger than this is rotated: a reader that is behind
    /// loses lines, as with a kubelet. 0: never.
    std::size_t rotate_bytes = 0;
    /// Local processes at a time; further pods stay unschedulable.
    unsigned processes = 64;
    /// Service accounts that pods may use, besides `default` and the chart's:
    /// `octopus-agent-tentacle`, `octopus-agent-scripts` and
    /// `octopus-agent-auto-upgrader`. Others are refused with 403.
    std::vector<std::string> service_accounts;
    /// What `GET /version` says.
    std::string kubernetes_version = "v1.32.4";
    /// Time between two bookmarks of a watch.
    std::chrono::milliseconds bookmark_interval{1'000};
    /// First pause after a failed pull; doubles up to a minute.
    std::chrono::milliseconds pull_back_off{1'000};
    /// Plays containers instead of running them as processes, for thousands of
    /// pods. Null: processes.
    pod_player player;
    /// A pod object was created; on the API's thread, before the answer.
    /// `asked` is when the whole request for it had come.
    std::function<void(const std::string& name,
                       std::chrono::steady_clock::time_point asked)>
      on_pod;
  };

  explicit embedded_cluster(options options);

  /// Kills all pods' processes (whole process groups) and joins.
  ~embedded_cluster();

  embedded_cluster(const embedded_cluster&) = delete;
  embedded_cluster& operator=(const embedded_cluster&) = delete;

  outcome<std::uint16_t> start();

  /// `https://127.0.0.1:port`
  std::string url() const;
  const std::string& namespace_name() const;

  /// Writes a kubeconfig for the worker's account, and returns its path.
  std::filesystem::path kubeconfig() const;

  /// Creates or replaces a config map or secret.
  void put_config_map(const std::string& name,
                      const std::map<std::string, std::string>& data);
  void put_secret(const std::string& name,
                  const std::map<std::string, std::string>& data);
  std::map<std::string, std::string> config_map(const std::string& name) const;

  /// Names of pods that exist.
  std::vector<std::string> pods() const;

  /// An object as JSON, such as ("pods", name); empty when there is none.
  std::string object(const std::string& resource,
                     const std::string& name) const;

  /// Adds that many events about pods that are gone.
  void add_old_events(unsigned count);

  /// Names of the objects of a resource, such as `secrets`.
  std::vector<std::string> names(const std::string& resource) const;

  /// Calls that an API client made, as "verb resource name", in order.
  std::vector<std::string> calls() const;

  /// Connections that clients have open now.
  std::size_t connections() const;

  // -- trouble on demand ----------------------------------------------------

  /// Deletes a pod as a person would.
  void delete_pod(const std::string& name, std::chrono::seconds grace);

  /// Marks a pod failed for a reason such as `Evicted`, and kills its process.
  void evict(const std::string& name, const std::string& reason,
             const std::string& message);

  /// Kills a pod's process as the kernel does when memory is used up: exit code
  /// 137, reason `OOMKilled`.
  void oom_kill(const std::string& name);

  /// Answers to requests that match `verb` and `resource` ("" is any): the
  /// given HTTP status and message, for the next `times` requests.
  void refuse(const std::string& verb, const std::string& resource,
              unsigned status, const std::string& message, unsigned times,
              std::map<std::string, std::string> headers = {});

  /// Takes at most `calls` such requests at a time and refuses the others with
  /// 429 and `Retry-After: 1`, as priority and fairness does; 0: any number.
  void take_at_most(const std::string& verb, const std::string& resource,
                    unsigned calls);

  /// Lets the namespace have so many pods that have not ended, and refuses
  /// further ones as the resource quota `scripts`; 0: any number.
  void set_pod_quota(unsigned pods);

  /// Does what a request asks that matches `verb` and `resource` ("" is any),
  /// and cuts the connection instead of answering, for the next `times`.
  void lose_answers(const std::string& verb, const std::string& resource,
                    unsigned times);

  /// At the n-th call from now (1: the next), instead of answering: does what
  /// the request asks, or not, calls `action` with "verb resource name" on the
  /// API's thread, which it must not hold up, and cuts the connection. A new
  /// one replaces the last; 0 is none.
  void break_at(unsigned n, bool after_effect,
                std::function<void(const std::string& call)> action);

  /// Replaces the worker's token, also in its file; the old one gets 401.
  void rotate_token();

  /// Delays each answer.
  void slow_down(std::chrono::milliseconds by);

  /// Closes all connections; with `for_how_long` also refuses new ones.
  void cut_connections(std::chrono::milliseconds for_how_long
                       = std::chrono::milliseconds{0});

  /// Changes `options::processes`: with 0 the cluster has no room, and further
  /// pods are unschedulable until there is.
  void make_room_for(unsigned processes);

  /// Cuts the connections of open watches, or of followed logs.
  void cut_watches();
  void cut_logs();

  /// Open watches stay open and say nothing, as behind a dead load balancer.
  void silence_watches(bool on);

  /// The watches that are open now stay so for ever and say nothing; later ones
  /// are well.
  void deaden_watches();

  /// No watch gets bookmarks any more.
  void withhold_bookmarks(bool on);

  /// Lists and watches give objects in another order than that of changes.
  void mix_up(bool on);

  /// Sets how far the cluster's clock is ahead of this machine's, for all
  /// clusters of this process; back to 0 when this one goes.
  void skew_clock(std::chrono::seconds ahead);

  /// Forgets the watch history, so that open and resumed watches get 410.
  void compact();

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace cuttle::sim
