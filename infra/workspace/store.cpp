#include "infra/workspace/store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "infra/telemetry/log.hpp"
#include "infra/workspace/link_files.hpp"
#include "infra/workspace/preparation.hpp"
#include "infra/workspace/request_file.hpp"
#include "infra/workspace/transfer.hpp"

namespace cuttle::workspace {

namespace fs = std::filesystem;

namespace {

// Spool files and what was to be removed, left by a process that was killed.
// Younger ones may belong to a worker that still hands over.
constexpr std::chrono::hours leftover_age{1};

// What is read of a kept script, to see what it is about.
constexpr std::size_t script_part = 1024 * 1024;

// Files by which the cleaner knows a workspace; the last two are what a stock
// worker may leave of one [WS-09], [WS-10].
constexpr const char* marker_files[]
  = {"Bootstrap.sh", "Output.log", "last-pod-log-timestamp.txt",
     "last-pod-event-timestamp.txt"};

timestamp to_timestamp(const timespec& time) {
  return timestamp{std::chrono::seconds{time.tv_sec}
                   + std::chrono::nanoseconds{time.tv_nsec}};
}

// What the jobs on the disk threads share; it lives until the last of them.
class shared_store {
public:
  explicit shared_store(store_options options)
    : options_(std::move(options)),
      nominal_(parse_quantity(options_.volume_size)),
      runner_(options_.runner_directory, runner_cache(options_.home)) {}

  // Makes the folders that others expect; a failure is told again by whatever
  // needs them.
  void make_folders() {
    auto done = guarded([&]() -> outcome<void> {
      volume_call call;
      make_folder(call, options_.home / ".cuttle", private_mode);
      make_folder(call, spool_directory(options_.home), private_mode);
      make_folder(call, trash_directory(options_.home), private_mode);
      return {};
    });
    if (!done)
      telemetry::error("workspace-volume-unusable",
                       {{"reason", done.error().text}});
  }

  void remove_leftovers() {
    auto done = guarded([&]() -> outcome<void> {
      volume_call call;
      auto trash = open_trash(call);
      remove_old(call, trash.get(), trash.get(), trash_directory(options_.home),
                 std::chrono::hours{0});
      auto spool
        = make_folder(call, spool_directory(options_.home), private_mode);
      remove_old(call, spool.get(), trash.get(), spool_directory(options_.home),
                 leftover_age);
      runner_.drop_unused(call);
      return {};
    });
    if (!done)
      telemetry::warn("workspace-leftovers-remain",
                      {{"reason", done.error().text}});
  }

  outcome<volume_space> space() {
    return guarded([&]() -> outcome<volume_space> {
      volume_call call;
      return judge_space(nominal_, ask_space(call, options_.home));
    });
  }

  outcome<volume_space> prepare(start_script& command,
                                const crypto::log_key& key) {
    auto created = false;
    auto result = guarded([&]() -> outcome<volume_space> {
      volume_call call;
      if (auto good = check_command(command, runner_.names(call)); !good)
        return tl::unexpected<failure>(good.error());
      auto free = judge_space(nominal_, ask_space(call, options_.home));
      if (free.free_bytes <= options_.required_free_bytes)
        return tl::unexpected<failure>(
          no_space(options_.required_free_bytes, free.free_bytes));
      auto work = make_folder(call, work_directory(), folder_mode);
      auto shown = work_directory() / command.ticket.task_id;
      auto written = write_workspace(call, work.get(), shown, command, key,
                                     runner_, options_.link_address, created);
      if (!written)
        return tl::unexpected<failure>(written.error());
      return free;
    });
    if (!result && created)
      if (auto gone = remove(command.ticket); !gone)
        telemetry::warn(
          "workspace-leftovers-remain",
          {{"ticket", command.ticket.task_id}, {"reason", gone.error().text}});
    return result;
  }

  outcome<void> keep(start_script& command, const request_keeping& how) {
    if (how.workspace)
      if (auto written = prepare(command, how.workspace()); !written)
        return tl::unexpected<failure>(written.error());
    auto kept = guarded([&]() -> outcome<void> {
      volume_call call;
      return write_request(call, options_.home, command, how.seal, how.since);
    });
    if (!kept && how.workspace)
      if (auto gone = remove(command.ticket); !gone)
        telemetry::warn(
          "workspace-leftovers-remain",
          {{"ticket", command.ticket.task_id}, {"reason", gone.error().text}});
    return kept;
  }

  outcome<std::vector<kept_request>>
  list_requests(const crypto::log_key& seal) {
    return guarded([&]() -> outcome<std::vector<kept_request>> {
      volume_call call;
      return workspace::list_requests(call, options_.home, seal);
    });
  }

  outcome<start_script> load_request(const script_ticket& ticket,
                                     const crypto::log_key& seal) {
    return guarded([&]() -> outcome<start_script> {
      volume_call call;
      auto found = read_request(call, options_.home, ticket, seal);
      if (!found)
        return tl::unexpected<failure>(found.error());
      auto result = *found->command;
      auto path = work_directory() / ticket.task_id;
      auto body = read_script(call, path);
      if (!body)
        return fail(errc::not_found, "The workspace of script '"
                                       + ticket.task_id
                                       + "' is not on the volume any more.");
      result.script_body = std::move(*body);
      if (!options_.link_address.empty())
        if (auto told
            = workspace::announce_link(call, path, options_.link_address);
            !told)
          return tl::unexpected<failure>(told.error());
      return result;
    });
  }

  outcome<void> drop_request(const script_ticket& ticket) {
    return guarded([&]() -> outcome<void> {
      volume_call call;
      workspace::drop_request(call, options_.home, ticket);
      return {};
    });
  }

  // The folder disappears at once; its content may take longer.
  outcome<void> remove(const script_ticket& ticket) {
    if (!ticket.valid())
      return fail(errc::invalid_request,
                  "The script ticket can not be used as the name of a folder.");
    return guarded([&]() -> outcome<void> {
      volume_call call;
      // Before anything else: what is to be removed must not run any more.
      workspace::drop_request(call, options_.home, ticket);
      auto shown = work_directory() / ticket.task_id;
      auto trash = open_trash(call);
      auto name = temporary_name();
      auto error = call.attempt(
        "remove", shown,
        [&] {
          return ::renameat(AT_FDCWD, shown.c_str(), trash.get(), name.c_str());
        },
        [](int code) { return code == ENOENT || code == ENOTDIR; });
      if (error == 0)
        erase_tree(call, trash.get(), name, shown);
      return {};
    });
  }

  void announce_link(const script_ticket& ticket) {
    if (options_.link_address.empty() || !ticket.valid())
      return;
    auto done = guarded([&]() -> outcome<void> {
      volume_call call;
      return workspace::announce_link(call, work_directory() / ticket.task_id,
                                      options_.link_address);
    });
    if (!done)
      telemetry::warn("link-not-announced", {{"ticket", ticket.task_id},
                                             {"reason", done.error().text}});
  }

  outcome<kept_part> read_kept_lines(const script_ticket& ticket,
                                     std::uint64_t offset) {
    if (!ticket.valid())
      return kept_part{};
    return guarded([&]() -> outcome<kept_part> {
      volume_call call;
      return workspace::read_kept_lines(call, work_directory() / ticket.task_id,
                                        offset);
    });
  }

  outcome<std::vector<workspace_info>> list() {
    using result_type = std::vector<workspace_info>;
    return guarded([&]() -> outcome<result_type> {
      volume_call call;
      result_type result;
      auto number = -1;
      // Nothing is made on a way that only reads [WS-10].
      auto missing = call.attempt(
        "open the folder", work_directory(),
        [&] {
          number = ::open(work_directory().c_str(),
                          O_RDONLY | O_DIRECTORY | O_CLOEXEC);
          return number;
        },
        [](int code) { return code == ENOENT; });
      if (missing != 0)
        return result;
      descriptor work{number};
      for (auto& name : names_in(call, work.get(), work_directory())) {
        workspace_info next{{std::move(name)}, {}};
        if (next.ticket.valid() && find_marker(work.get(), next))
          result.push_back(std::move(next));
      }
      return result;
    });
  }

  outcome<uploaded_file> put(upload_file& request) {
    return guarded([&]() -> outcome<uploaded_file> {
      volume_call call;
      auto free = judge_space(nominal_, ask_space(call, options_.home));
      return store_upload(call, options_.home, request, free);
    });
  }

  outcome<downloaded_file> get(const download_file& request) {
    return guarded([&]() -> outcome<downloaded_file> {
      volume_call call;
      return open_download(call, options_.home, request);
    });
  }

private:
  fs::path work_directory() const {
    return options_.home / "Work";
  }

  // The beginning of the script; nothing when the workspace is gone.
  static std::optional<std::string> read_script(volume_call& call,
                                                const fs::path& workspace) {
    auto path = workspace / marker_files[0];
    auto number = -1;
    auto error = call.attempt(
      "open", path,
      [&] {
        number = ::open(path.c_str(),
                        O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        return number;
      },
      [](int code) {
        return code == ENOENT || code == ENOTDIR || code == ELOOP;
      });
    if (error != 0)
      return std::nullopt;
    descriptor file{number};
    std::string result(script_part, '\0');
    auto size = call("read", path, [&] {
      return ::pread(file.get(), result.data(), result.size(), 0);
    });
    result.resize(static_cast<std::size_t>(size));
    result.shrink_to_fit();
    return result;
  }

  descriptor open_trash(volume_call& call) {
    return make_folder(call, trash_directory(options_.home), private_mode);
  }

  // Removes the entries of an open folder that are older than `age`.
  void remove_old(volume_call& call, int folder, int trash,
                  const fs::path& shown, std::chrono::hours age) {
    auto limit = std::chrono::system_clock::now() - age;
    for (const auto& name : names_in(call, folder, shown)) {
      struct stat info;
      if (::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0
          || to_timestamp(info.st_mtim) > limit)
        continue;
      auto moved = temporary_name();
      if (::renameat(folder, name.c_str(), trash, moved.c_str()) == 0)
        erase_tree(call, trash, moved, shown / name);
    }
  }

  // Sets when the newest of the marker files was written; false when there is
  // none, or the name is not a folder.
  static bool find_marker(int work, workspace_info& what) {
    descriptor folder{
      ::openat(work, what.ticket.task_id.c_str(),
               O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (folder.get() < 0)
      return false;
    auto found = false;
    for (const auto* name : marker_files) {
      struct stat info;
      if (::fstatat(folder.get(), name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        continue;
      what.written = std::max(what.written, to_timestamp(info.st_mtim));
      found = true;
    }
    return found;
  }

  store_options options_;
  std::optional<std::uint64_t> nominal_;
  runner_files runner_;
};

class file_store : public store {
public:
  file_store(disk::disk_pool& disk, store_options options)
    : disk_(disk), shared_(std::make_shared<shared_store>(std::move(options))) {
    shared_->make_folders();
    disk_.post([shared = shared_] { shared->remove_leftovers(); });
  }

  void prepare(start_script command, crypto::log_key key,
               std::function<void(outcome<volume_space>)> done) override {
    post(
      [command = std::move(command), key](shared_store& shared) mutable {
        return shared.prepare(command, key);
      },
      std::move(done));
  }

  void keep(start_script command, request_keeping how,
            std::function<void(outcome<void>)> done) override {
    post([command = std::move(command), how = std::move(how)](
           shared_store& shared) mutable { return shared.keep(command, how); },
         std::move(done));
  }

  void list_requests(
    crypto::log_key seal,
    std::function<void(outcome<std::vector<kept_request>>)> done) override {
    post([seal](shared_store& shared) { return shared.list_requests(seal); },
         std::move(done));
  }

  void load_request(script_ticket ticket, crypto::log_key seal,
                    std::function<void(outcome<start_script>)> done) override {
    post([ticket = std::move(ticket), seal](
           shared_store& shared) { return shared.load_request(ticket, seal); },
         std::move(done));
  }

  void drop_request(script_ticket ticket,
                    std::function<void(outcome<void>)> done) override {
    post([ticket = std::move(ticket)](
           shared_store& shared) { return shared.drop_request(ticket); },
         std::move(done));
  }

  void remove(script_ticket ticket,
              std::function<void(outcome<void>)> done) override {
    post([ticket = std::move(ticket)](
           shared_store& shared) { return shared.remove(ticket); },
         std::move(done));
  }

  void announce_link(script_ticket ticket) override {
    disk_.post([shared = shared_, ticket = std::move(ticket)] {
      shared->announce_link(ticket);
    });
  }

  void read_kept_lines(script_ticket ticket, std::uint64_t offset,
                       std::function<void(outcome<kept_part>)> done) override {
    post(
      [ticket = std::move(ticket), offset](shared_store& shared) {
        return shared.read_kept_lines(ticket, offset);
      },
      std::move(done));
  }

  void list(
    std::function<void(outcome<std::vector<workspace_info>>)> done) override {
    post([](shared_store& shared) { return shared.list(); }, std::move(done));
  }

  void put(upload_file request,
           std::function<void(outcome<uploaded_file>)> done) override {
    post([request = std::move(request)](
           shared_store& shared) mutable { return shared.put(request); },
         std::move(done));
  }

  void get(download_file request,
           std::function<void(outcome<downloaded_file>)> done) override {
    post([request = std::move(request)](
           shared_store& shared) { return shared.get(request); },
         std::move(done));
  }

  void space(std::function<void(outcome<volume_space>)> done) override {
    post([](shared_store& shared) { return shared.space(); }, std::move(done));
  }

private:
  template <class Job, class Done>
  void post(Job job, Done done) {
    disk_.post([shared = shared_, job = std::move(job),
                done = std::move(done)]() mutable {
      // The request, with its streams, is gone before the result is told.
      auto run = [&] {
        auto own = std::move(job);
        return own(*shared);
      };
      done(run());
    });
  }

  disk::disk_pool& disk_;
  std::shared_ptr<shared_store> shared_;
};

} // namespace

std::unique_ptr<store> make_store(disk::disk_pool& disk,
                                  store_options options) {
  return std::make_unique<file_store>(disk, std::move(options));
}

} // namespace cuttle::workspace
