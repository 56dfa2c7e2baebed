#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "infra/crypto/cipher.hpp"
#include "infra/disk/disk_pool.hpp"
#include "messages/failure.hpp"
#include "messages/file.hpp"
#include "messages/queue.hpp"
#include "messages/script.hpp"

namespace cuttle::workspace {

/// A workspace on the volume, as the cleaner sees it [WS-09].
struct workspace_info {
  script_ticket ticket;
  /// When `Bootstrap.sh` was last written.
  timestamp written;
};

/// Space on the volume.
struct volume_space {
  std::uint64_t free_bytes = 0;
  std::uint64_t total_bytes = 0;
};

/// A part of the lines that a runner left in its workspace.
struct kept_part {
  std::string bytes;
  /// Nothing comes after it.
  bool last = true;
};

/// How a request is kept.
struct request_keeping {
  /// Encrypts it; the same for all requests of an installation.
  crypto::log_key seal;
  /// When it came.
  timestamp since;
  /// Gives the log key of a workspace that is to be written first, on a disk
  /// thread; null: it is there.
  std::function<crypto::log_key()> workspace{};
};

/// The files of operations, on the volume that worker and script pods share.
/// Calls return at once; results come on a disk thread, once each.
/// Thread-safe.
class store {
public:
  virtual ~store() = default;

  /// Writes `<home>/Work/<ticket>/`: script, files, key file, runner
  /// (`worker-behaviour` section 4). Fails with `overloaded` when there is too
  /// little space [WS-07], with `invalid_request` for a file name that leaves
  /// the workspace; then nothing is left behind.
  virtual void prepare(start_script command, crypto::log_key key,
                       std::function<void(outcome<volume_space>)>)
    = 0;
  /// Keeps the request of a script that has to wait, so that a process after
  /// this one can run it: its workspace as `prepare` writes it, then the rest
  /// in one step. Fails as `prepare` does; then no request is kept.
  virtual void keep(start_script command, request_keeping how,
                    std::function<void(outcome<void>)>)
    = 0;
  /// The requests that are kept, the oldest first.
  virtual void
  list_requests(crypto::log_key seal,
                std::function<void(outcome<std::vector<kept_request>>)>)
    = 0;
  /// A kept request, with the beginning of its script (1 MiB) and without its
  /// files; its workspace now names this worker as the one to dial. Fails with
  /// `not_found` or `invalid_request` when request or workspace can not be used
  /// any more.
  virtual void load_request(script_ticket ticket, crypto::log_key seal,
                            std::function<void(outcome<start_script>)>)
    = 0;
  /// Forgets a kept request, its workspace stays; a missing one is a success.
  virtual void drop_request(script_ticket ticket,
                            std::function<void(outcome<void>)>)
    = 0;
  /// Removes a kept request, then the workspace; missing ones are a success.
  virtual void remove(script_ticket ticket, std::function<void(outcome<void>)>)
    = 0;
  /// Tells the runner in an existing workspace where the worker is now; without
  /// an address, or a workspace, nothing happens.
  virtual void announce_link(script_ticket ticket) = 0;
  /// Reads from the lines that a runner left, at most 64 KiB from `offset` on.
  /// There are none: an empty part.
  virtual void read_kept_lines(script_ticket ticket, std::uint64_t offset,
                               std::function<void(outcome<kept_part>)>)
    = 0;
  /// Lists the workspaces.
  virtual void list(std::function<void(outcome<std::vector<workspace_info>>)>)
    = 0;
  /// [RPC-16]
  virtual void put(upload_file request,
                   std::function<void(outcome<uploaded_file>)>)
    = 0;
  virtual void get(download_file request,
                   std::function<void(outcome<downloaded_file>)>)
    = 0;
  /// Space by the nominal size and what the file system says [STO-01].
  virtual void space(std::function<void(outcome<volume_space>)>) = 0;
};

/// Settings of the real store.
struct store_options {
  std::filesystem::path home = "/octopus";
  /// Folder whose top-level files go into each workspace: the runner and
  /// `execute-bootstrapRunner.sh`.
  std::filesystem::path runner_directory = "/bootstrapRunner";
  /// Nominal size of the volume, a Kubernetes quantity such as `10Gi`.
  std::string volume_size;
  /// `<ip>:<port>` where runners reach this worker; empty: nowhere.
  std::string link_address;
  /// Free bytes needed to prepare a workspace [WS-07].
  std::uint64_t required_free_bytes = 577'765'376;
};

/// The store on a real file system.
std::unique_ptr<store> make_store(disk::disk_pool& disk, store_options options);

/// `10Gi` as bytes [STO-01]; nothing for other text.
std::optional<std::uint64_t> parse_quantity(std::string_view text);

/// Where uploaded streams are spooled: a folder below home, so that storing a
/// file is a rename.
std::filesystem::path spool_directory(const std::filesystem::path& home);

} // namespace cuttle::workspace
