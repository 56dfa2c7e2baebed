#pragma once

#include <map>
#include <string>
#include <vector>

#include "infra/runner_link/server.hpp"

namespace cuttle::test {

/// The worker's end of the runners' links, whose runners are played by the
/// test. One thread.
class scripted_links : public runner_link::server {
public:
  void expect(const script_ticket& ticket, const crypto::log_key&,
              runner_link::callbacks tell) override {
    drop(ticket.key());
    expected_[ticket.key()] = {std::move(tell), 0};
  }

  void forget(const script_ticket& ticket) override {
    drop(ticket.key());
    expected_.erase(ticket.key());
  }

  void resume(runner_link::session_id session, std::int64_t after) override {
    resumed.push_back({session, after});
    this->after[session] = after;
  }

  void set_room(runner_link::session_id session, bool room) override {
    this->room[session] = room;
    pauses += room ? 0 : 1;
  }

  void received(runner_link::session_id session, std::int64_t number) override {
    got[session] = number;
  }

  void acknowledge(runner_link::session_id session,
                   std::int64_t number) override {
    acknowledged[session] = number;
  }

  // -- the runner's side ------------------------------------------------------

  bool expects(const script_ticket& ticket) const {
    return expected_.contains(ticket.key());
  }

  /// The runner's connection, or 0.
  runner_link::session_id session(const script_ticket& ticket) const {
    auto found = expected_.find(ticket.key());
    return found == expected_.end() ? 0 : found->second.session;
  }

  /// The runner dials; returns its session, or 0 when it is refused.
  runner_link::session_id dial(const script_ticket& ticket,
                               std::int64_t first = 1) {
    auto found = expected_.find(ticket.key());
    if (found == expected_.end())
      return 0;
    hang_up(ticket);
    found->second.session = ++sessions_;
    found->second.tell.on_open(sessions_, first);
    return sessions_;
  }

  void send(const script_ticket& ticket, std::string_view bytes) {
    auto& x = expected_.at(ticket.key());
    x.tell.on_data(x.session, bytes);
  }

  void hang_up(const script_ticket& ticket) {
    auto& x = expected_.at(ticket.key());
    if (x.session == 0)
      return;
    auto session = std::exchange(x.session, 0);
    x.tell.on_close(session, {errc::unavailable, "The runner is gone."});
  }

  /// Sessions that the worker asked lines of, with the number to go on after.
  std::vector<std::pair<runner_link::session_id, std::int64_t>> resumed;
  std::map<runner_link::session_id, std::int64_t> after;
  std::map<runner_link::session_id, bool> room;
  std::map<runner_link::session_id, std::int64_t> got;
  std::map<runner_link::session_id, std::int64_t> acknowledged;
  /// Sessions that the worker ended.
  std::vector<runner_link::session_id> cut;
  unsigned pauses = 0;

private:
  struct expectation {
    runner_link::callbacks tell;
    runner_link::session_id session = 0;
  };

  void drop(const std::string& key) {
    auto found = expected_.find(key);
    if (found != expected_.end() && found->second.session != 0)
      cut.push_back(found->second.session);
  }

  std::map<std::string, expectation> expected_;
  runner_link::session_id sessions_ = 0;
};

} // namespace cuttle::test
