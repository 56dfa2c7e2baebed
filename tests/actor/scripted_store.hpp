#pragma once

#include <algorithm>
#include <deque>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "infra/workspace/store.hpp"

namespace cuttle::test {

/// A store that keeps calls until `serve`. One thread.
class scripted_store : public workspace::store {
public:
  /// Answers all that is open; true if something was.
  bool serve() {
    auto busy = !open_.empty();
    for (auto& job : std::exchange(open_, {}))
      job();
    return busy;
  }

  void clear() {
    open_.clear();
  }

  std::size_t open() const {
    return open_.size();
  }

  void
  prepare(start_script command, crypto::log_key,
          std::function<void(outcome<workspace::volume_space>)> done) override {
    if (deaf)
      return;
    prepared.push_back(command.ticket.task_id);
    open_.push_back([this, ticket = command.ticket, done = std::move(done)] {
      if (preparation_failure.code != errc::none)
        return done(tl::unexpected(preparation_failure));
      workspaces.insert(ticket.key());
      done(workspace::volume_space{5'000'000'000, 10'000'000'000});
    });
  }

  void remove(script_ticket ticket,
              std::function<void(outcome<void>)> done) override {
    if (deaf)
      return;
    removed.push_back(ticket.task_id);
    open_.push_back([this, ticket, done = std::move(done)] {
      if (removal_failure.code != errc::none)
        return done(tl::unexpected(removal_failure));
      requests.erase(ticket.key());
      workspaces.erase(ticket.key());
      done({});
    });
  }

  void keep(start_script command, workspace::request_keeping how,
            std::function<void(outcome<void>)> done) override {
    if (deaf)
      return;
    kept_tickets.push_back(command.ticket.task_id);
    open_.push_back([this, command = std::move(command), how = std::move(how),
                     done = std::move(done)] {
      if (keeping_failure.code != errc::none)
        return done(tl::unexpected(keeping_failure));
      auto key = command.ticket.key();
      if (how.workspace)
        workspaces.insert(key);
      EXPECT_TRUE(workspaces.contains(key)) << "a request without workspace";
      requests[key] = {how.since, command};
      done({});
    });
  }

  void list_requests(
    crypto::log_key,
    std::function<void(outcome<std::vector<kept_request>>)> done) override {
    if (deaf)
      return;
    open_.push_back([this, done = std::move(done)] {
      if (listing_failure.code != errc::none)
        return done(tl::unexpected(listing_failure));
      std::vector<kept_request> result;
      for (auto& [key, x] : requests)
        result.push_back({x.second.ticket,
                          x.first,
                          std::make_shared<start_script>(x.second),
                          {}});
      std::sort(result.begin(), result.end(),
                [](auto& x, auto& y) { return x.since < y.since; });
      done(std::move(result));
    });
  }

  void load_request(script_ticket ticket, crypto::log_key,
                    std::function<void(outcome<start_script>)> done) override {
    if (deaf)
      return;
    loaded.push_back(ticket.task_id);
    open_.push_back([this, ticket, done = std::move(done)] {
      if (loading_failure.code != errc::none)
        return done(tl::unexpected(loading_failure));
      auto i = requests.find(ticket.key());
      if (i == requests.end())
        return done(fail(errc::not_found, "no such request"));
      auto copy = i->second.second;
      copy.files.clear();
      done(std::move(copy));
    });
  }

  void drop_request(script_ticket ticket,
                    std::function<void(outcome<void>)> done) override {
    if (deaf)
      return;
    open_.push_back([this, ticket, done = std::move(done)] {
      if (dropping_failure.code != errc::none)
        return done(tl::unexpected(dropping_failure));
      requests.erase(ticket.key());
      done({});
    });
  }

  void announce_link(script_ticket ticket) override {
    announced.push_back(ticket.task_id);
  }

  void read_kept_lines(
    script_ticket ticket, std::uint64_t offset,
    std::function<void(outcome<workspace::kept_part>)> done) override {
    ++kept_reads;
    open_.push_back([this, ticket, offset, done = std::move(done)] {
      if (kept_failure.code != errc::none)
        return done(tl::unexpected(kept_failure));
      const auto& text = kept[ticket.key()];
      auto from = std::min<std::size_t>(offset, text.size());
      auto part = text.substr(from, kept_part_bytes);
      auto last = part.empty();
      done(workspace::kept_part{std::move(part), last});
    });
  }

  void list(std::function<void(outcome<std::vector<workspace::workspace_info>>)>
              done) override {
    if (deaf)
      return;
    ++lists;
    open_.push_back([this, done = std::move(done)] { done(listed); });
  }

  void put(upload_file,
           std::function<void(outcome<uploaded_file>)> done) override {
    open_.push_back([done = std::move(done)] {
      done(fail(errc::io_error, "The scripted store has no files."));
    });
  }

  void get(download_file,
           std::function<void(outcome<downloaded_file>)> done) override {
    open_.push_back([done = std::move(done)] {
      done(fail(errc::io_error, "The scripted store has no files."));
    });
  }

  void
  space(std::function<void(outcome<workspace::volume_space>)> done) override {
    done(workspace::volume_space{5'000'000'000, 10'000'000'000});
  }

  /// What is asked from now on is never done: the asking process is dead.
  bool deaf = false;
  std::vector<std::string> prepared;
  std::vector<std::string> removed;
  unsigned lists = 0;
  std::vector<std::string> announced;
  /// What runners left in their workspaces, and how it is handed out.
  std::map<std::string, std::string> kept;
  std::size_t kept_part_bytes = 64;
  unsigned kept_reads = 0;
  failure kept_failure;
  std::set<std::string> workspaces;
  std::vector<workspace::workspace_info> listed;
  failure preparation_failure;
  failure removal_failure;
  /// Requests that wait on the volume: when they came, and what they are.
  std::map<std::string, std::pair<timestamp, start_script>> requests;
  std::vector<std::string> kept_tickets;
  std::vector<std::string> loaded;
  failure keeping_failure;
  failure listing_failure;
  failure loading_failure;
  failure dropping_failure;

private:
  std::deque<std::function<void()>> open_;
};

} // namespace cuttle::test
