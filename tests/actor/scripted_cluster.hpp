#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "infra/crypto/cipher.hpp"
#include "infra/kubernetes/cluster.hpp"
#include "messages/script.hpp"

namespace cuttle::test {

/// The key of every log in these tests.
crypto::log_key sample_key();

/// A cluster that does what the test says: it keeps calls until `serve`, or
/// until the test answers one of them itself. One thread.
class scripted_cluster : public kubernetes::cluster {
public:
  template <class Result>
  struct call {
    kubernetes::call_id id = 0;
    std::string name;
    std::function<void(outcome<Result>)> done;
  };

  struct creation {
    kubernetes::call_id id = 0;
    std::string name;
    std::function<void(kubernetes::creation_outcome)> done;
    failure refusal{};
  };

  struct deletion {
    std::string name;
    std::string uid;
    std::optional<std::chrono::seconds> grace;
  };

  struct stream {
    kubernetes::log_query query;
    kubernetes::log_callbacks callbacks;
    std::size_t sent = 0;
    bool paused = false;
    unsigned pauses = 0;
    unsigned resumes = 0;
  };

  struct pod {
    pod_snapshot snapshot;
    std::string log;
    std::int64_t lines = 0;
    // Follow requests answer with this failure.
    failure log_failure;
  };

  // -- what the cluster does ------------------------------------------------

  /// Answers all that is open as a healthy cluster does; true if something was
  /// open.
  bool serve();

  /// Tells the watch about all pods.
  void list();

  /// Answers one creation: makes the pod, or finds it there.
  void accept_creation(const script_ticket& ticket);
  void refuse_creation(const script_ticket& ticket, failure reason,
                       std::optional<std::chrono::seconds> retry_after = {});

  /// Makes a pod that exists before the worker came.
  pod& add(const script_ticket& ticket);

  /// The watch tells about a pod as it is.
  void announce(const script_ticket& ticket);
  void run(const script_ticket& ticket);
  /// The next line of the script's output, by number.
  void write(const script_ticket& ticket, const std::string& text,
             output_source source = output_source::out);
  /// Lines `line <number>`.
  void write_lines(const script_ticket& ticket, int count);
  /// The runner's last line.
  void write_end(const script_ticket& ticket, std::int32_t code);
  /// The container ends.
  void finish(const script_ticket& ticket, std::int32_t code);
  /// The pod goes away.
  void remove(const script_ticket& ticket);

  pod* find(const script_ticket& ticket);
  pod& at(const script_ticket& ticket);

  /// The newest stream of a pod's log that is open; null if there is none.
  stream* log_of(const script_ticket& ticket);

  /// Hands over what the log has, unless paused; true if there was something.
  bool feed(const script_ticket& ticket);
  void feed(const script_ticket& ticket, std::string_view bytes);
  void end_log(const script_ticket& ticket, failure reason);

  void event(pod_event x);
  void trouble(failure reason);

  /// Forgets all callbacks.
  void clear();

  // -- what was called ------------------------------------------------------

  std::deque<creation> creations;
  std::deque<call<pod_snapshot>> lookups;
  std::deque<call<void>> removals;
  std::deque<call<kubernetes::cluster_version>> versions;
  std::map<kubernetes::call_id, stream> streams;
  std::map<kubernetes::call_id, kubernetes::watch_callbacks<pod_snapshot>>
    watches;
  std::map<kubernetes::call_id, kubernetes::watch_callbacks<pod_event>>
    event_watches;
  std::vector<deletion> deletions;
  std::vector<kubernetes::log_query> follows;
  std::vector<std::string> secrets;
  std::vector<std::string> manifests;
  /// Answers to `list_objects` by resource; else not found.
  std::map<std::string, outcome<std::string>> lists;
  std::map<std::string, int> listings;
  /// Config maps by name, and what became of them.
  std::map<std::string, std::map<std::string, std::string>> maps;
  int map_reads = 0;
  int map_writes = 0;
  /// Config maps answer with this, if it has a code.
  failure map_failure;
  /// How often a pod came into being, by name.
  std::map<std::string, int> created;
  /// The next creations are refused in this way.
  std::deque<failure> refusals;
  unsigned cancels = 0;
  unsigned pauses = 0;
  unsigned resumes = 0;
  std::map<std::string, pod> pods;
  /// Every deletion fails with this, if it has a code.
  failure deletion_failure;
  /// What is asked from now on never arrives: the asking process is dead.
  bool deaf = false;
  timestamp now;
  /// What `serve` hands over of a log at a time, in pieces of 1000 bytes.
  unsigned pieces = 1'000;

  // -- implementation of cluster --------------------------------------------

  kubernetes::call_id
  create_pod(std::string manifest_json,
             kubernetes::creation_callbacks callbacks) override;
  kubernetes::call_id
  get_pod(std::string name,
          std::function<void(outcome<pod_snapshot>)> done) override;
  kubernetes::call_id delete_pod(std::string name, std::string uid,
                                 std::optional<std::chrono::seconds> grace,
                                 std::function<void(outcome<void>)>) override;
  kubernetes::call_id
    watch_pods(kubernetes::watch_callbacks<pod_snapshot>) override;
  kubernetes::call_id
    watch_pod_events(kubernetes::watch_callbacks<pod_event>) override;
  kubernetes::call_id follow_log(kubernetes::log_query,
                                 kubernetes::log_callbacks) override;
  kubernetes::call_id
  get_config_map(std::string name,
                 std::function<void(outcome<kubernetes::stored_map>)>) override;
  kubernetes::call_id patch_config_map(
    std::string name, std::map<std::string, std::optional<std::string>> data,
    std::function<void(outcome<kubernetes::stored_map>)>) override;
  kubernetes::call_id
  get_secret(std::string name,
             std::function<void(outcome<kubernetes::stored_map>)>) override;
  kubernetes::call_id
  create_secret(std::string manifest_json,
                std::function<void(outcome<void>)> done) override;
  kubernetes::call_id
  patch_secret(std::string name,
               std::map<std::string, std::optional<std::string>> data,
               std::optional<kubernetes::owner_reference> owner,
               std::function<void(outcome<kubernetes::stored_map>)>) override;
  kubernetes::call_id get_version(
    std::function<void(outcome<kubernetes::cluster_version>)>) override;
  kubernetes::call_id
  list_objects(std::string group, std::string resource, std::string selector,
               std::function<void(outcome<std::string>)> done) override;
  void pause(kubernetes::call_id) override;
  void resume(kubernetes::call_id) override;
  void cancel(kubernetes::call_id) override;

private:
  void changed(const pod& x);
  void answer_creation(creation x);
  void answer_removal(call<void> x);
  void append(pod& x, std::int64_t number, output_source source,
              const std::string& text);

  kubernetes::call_id last_id_ = 0;
  int last_uid_ = 0;
};

} // namespace cuttle::test
