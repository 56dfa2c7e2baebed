// The worker is killed at every boundary between two messages of an operation,
// and started again. Nothing is lost, nothing runs twice, no line is missing or
// doubled, nothing is green that failed, and nothing is left behind.

#include "actor_fixture.hpp"
#include "actors/housekeeping.hpp"

namespace cuttle::test {

namespace {

const script_ticket ticket{"Recovered-1"};
// Runs already, so that the other one waits for it.
const script_ticket blocker{"Blocker-1"};
const std::string pod_name = "octopus-script-recovered-1";
constexpr int line_count = 5;
constexpr std::int32_t real_code = 3;

class RecoveryTest : public intake_fixture {
protected:
  void drop_handles() override {
    keeper_ = nullptr;
    intake_fixture::drop_handles();
  }

  // -- the worker's process -------------------------------------------------

  void boot() {
    intake = spawn_task_intake(parent(), context, health);
    watch = spawn_pod_watch(parent(), context, intake, health);
    keeper_ = spawn_housekeeping(parent(), context, intake);
    alive_ = true;
    pump();
    if (alive_)
      cluster.list();
    pump();
  }

  // As SIGKILL does it: from here on nothing that the actors do is seen by
  // anybody, whatever is left in their mailboxes.
  void crash() {
    cluster.deaf = true;
    store.deaf = true;
    alive_ = false;
    parent().send_exit(intake, caf::exit_reason::kill);
    parent().send_exit(watch, caf::exit_reason::kill);
    parent().send_exit(keeper_, caf::exit_reason::kill);
    drop_workers();
    settle();
    exits.clear();
    cluster.clear();
    store.clear();
    cluster.deaf = false;
    store.deaf = false;
    // A request that was open is answered by nobody.
    open_ = nullptr;
    if (completion_ && !completion_->done)
      completion_ = nullptr;
    unblocking_ = nullptr;
  }

  void drop_workers() {
    intake = nullptr;
    watch = nullptr;
    keeper_ = nullptr;
  }

  // One message after the other; dies where the scenario wants it.
  void pump() {
    while (alive_ && has_job()) {
      if (boundary())
        return;
      run_once();
    }
    if (!alive_)
      settle();
  }

  // True when the worker died here.
  bool boundary() {
    if (++boundaries_ != kill_at_)
      return false;
    crash();
    return true;
  }

  // The drivers' work, with a boundary before and after each kind.
  void drive() {
    for (int i = 0; i < 1'000 && alive_; ++i) {
      pump();
      if (!alive_ || boundary())
        return;
      auto busy = store.serve();
      pump();
      if (!alive_ || boundary())
        return;
      busy = cluster.serve() || busy;
      pump();
      if (!busy)
        return;
    }
  }

  // -- the server -----------------------------------------------------------

  void talk() {
    if (!alive_ || (open_ && !open_->done))
      return;
    if (open_)
      take();
    if (code_) {
      // Sent once, without retry [RPC-14].
      if (!std::exchange(completed_, true))
        completion_ = ask<bool>(intake, complete_script{ticket});
    } else if (!answered_) {
      open_ = ask(intake, the_command());
    } else if (cancel_after_ && *cancel_after_ <= cursor_) {
      open_ = ask(intake, cancel_script{ticket, cursor_});
    } else {
      open_ = ask(intake, get_status{ticket, cursor_});
    }
  }

  // The script before is completed once the other one is known to wait.
  void unblock() {
    if (!alive_ || !blocked_ || !answered_ || !cluster.find(blocker)
        || (unblocking_ && !unblocking_->done))
      return;
    unblocking_ = ask<bool>(intake, complete_script{blocker});
  }

  start_script the_command() {
    return command(ticket);
  }

  void take() {
    auto reply = std::exchange(open_, nullptr);
    // Errors of a worker that is starting are retried.
    if (reply->error)
      return;
    auto& status = *reply->value;
    answered_ = true;
    cursor_ = status.next_sequence;
    for (auto& line : status.lines)
      lines_.push_back(std::move(line));
    if (status.state == process_state::complete)
      code_ = status.exit_code;
  }

  // -- the script -----------------------------------------------------------

  void play() {
    auto* pod = cluster.find(ticket);
    if (!pod)
      return;
    auto state = pod->snapshot.containers[0].state;
    using kind = container_status::kind;
    if (state == kind::waiting) {
      cluster.run(ticket);
    } else if (state == kind::running) {
      if (pod->lines < line_count)
        return cluster.write_lines(ticket, 1);
      if (pod->lines == line_count)
        cluster.write_end(ticket, real_code);
      cluster.finish(ticket, real_code);
    }
  }

  // -- one life -------------------------------------------------------------

  // A world of its own, in which the worker dies at that boundary (0: never).
  void live(unsigned kill_at) {
    if (intake)
      crash();
    cluster.pods.clear();
    cluster.created.clear();
    store.workspaces.clear();
    store.requests.clear();
    store.listed.clear();
    if (blocked_) {
      settings->operations_limit = 1;
      cluster.add(blocker);
    }
    cluster.refusals.assign(refusals_, the_refusal_);
    unblocking_ = nullptr;
    open_ = nullptr;
    completion_ = nullptr;
    answered_ = completed_ = false;
    cursor_ = 0;
    code_.reset();
    lines_.clear();
    boundaries_ = 0;
    kill_at_ = kill_at;
    boot();
    for (int i = 0; i < 200 && !(completed_ && quiet()); ++i) {
      if (!alive_) {
        kill_at_ = 0;
        boot();
      }
      talk();
      drive();
      unblock();
      drive();
      if (answered_ || cluster.find(ticket))
        play();
      drive();
      if (alive_)
        pass(500ms);
    }
    // This life may have had fewer boundaries; the clean-up is none of them.
    kill_at_ = 0;
    if (!alive_)
      boot();
  }

  bool quiet() const {
    return alive_ && (!completion_ || completion_->done);
  }

  void pass(std::chrono::milliseconds time) {
    now_ += time;
    cluster.now = now_;
    advance_clock(time);
    pump();
  }

  // What the server never completed goes by itself, in time.
  void expect_nothing_left() {
    for (auto& key : store.workspaces)
      store.listed.push_back({script_ticket{key}, now_});
    for (int i = 0; i < 60; ++i) {
      pass(30min);
      drive();
      std::erase_if(store.listed, [&](auto& x) {
        return !store.workspaces.contains(x.ticket.key());
      });
    }
    EXPECT_TRUE(cluster.pods.empty()) << "a pod is left";
    EXPECT_TRUE(store.workspaces.empty()) << "a workspace is left";
    EXPECT_TRUE(store.requests.empty()) << "a request is left";
    EXPECT_TRUE(summary().operations.empty()) << "an operation is left";
  }

  // After a life without a kill, which shows how many boundaries there are: a
  // worker dies at each of them.
  template <class Check>
  void die_everywhere(unsigned least, Check check) {
    auto boundaries = boundaries_;
    ASSERT_GT(boundaries, least) << "few places to die at";
    for (auto n = 1u; n <= boundaries; ++n) {
      SCOPED_TRACE("killed at boundary " + std::to_string(n));
      live(n);
      check();
      expect_nothing_left();
      if (HasFailure())
        return;
    }
  }

  void expect_whole() {
    EXPECT_EQ(code_, real_code);
    EXPECT_EQ(output(), numbered(1, line_count)) << "every line once, in order";
    EXPECT_EQ(cluster.created[pod_name], 1) << "it ran more than once";
  }

  std::vector<std::string> output() const {
    std::vector<std::string> result;
    for (auto& x : lines_)
      if (x.source == output_source::out && x.text.starts_with("line "))
        result.push_back(x.text);
    return result;
  }

  // The worker may run one script, and another one runs before.
  bool blocked_ = false;
  // So many creations are refused in this way.
  std::size_t refusals_ = 0;
  failure the_refusal_;
  answer_ptr<bool> unblocking_;
  bool alive_ = false;
  unsigned boundaries_ = 0;
  unsigned kill_at_ = 0;
  answer_ptr<script_status> open_;
  answer_ptr<bool> completion_;
  bool answered_ = false;
  bool completed_ = false;
  std::int64_t cursor_ = 0;
  std::optional<std::int64_t> cancel_after_;
  std::optional<std::int32_t> code_;
  std::vector<output_line> lines_;

private:
  housekeeping_actor keeper_;
};

TEST_F(RecoveryTest,
       AWorkerKilledAtAnyMessageLosesAndDoublesNothing_RST01_SVC45) {
  live(0);
  ASSERT_EQ(code_, real_code);
  ASSERT_EQ(output(), numbered(1, line_count));
  die_everywhere(100, [&] { expect_whole(); });
}

TEST_F(RecoveryTest,
       AQueuedScriptIsNeitherLostNorDoubledWhereverTheWorkerDies_RST01) {
  blocked_ = true;
  live(0);
  ASSERT_EQ(code_, real_code);
  ASSERT_EQ(output(), numbered(1, line_count));
  ASSERT_EQ(store.kept_tickets.size(), 1u) << "it did not wait";
  die_everywhere(120, [&] {
    expect_whole();
    EXPECT_EQ(cluster.find(blocker), nullptr);
  });
}

TEST_F(RecoveryTest,
       ACancelledQueuedScriptNeverRunsWhereverTheWorkerDies_RST03) {
  blocked_ = true;
  cancel_after_ = 0;
  live(0);
  ASSERT_EQ(code_, exit_cancelled);
  die_everywhere(30, [&] {
    ASSERT_TRUE(code_) << "the script hangs";
    EXPECT_NE(*code_, 0);
    EXPECT_LE(cluster.created[pod_name], 1);
    EXPECT_TRUE(output().empty() || *code_ == exit_cancelled);
  });
}

TEST_F(
  RecoveryTest,
  AScriptThatWaitsForAQuotaIsNeitherLostNorDoubledWhereverTheWorkerDies_RST01) {
  refusals_ = 3;
  the_refusal_
    = {errc::forbidden, "exceeded quota: q, requested: pods=1, used: pods=1, "
                        "limited: pods=1."};
  live(0);
  ASSERT_EQ(code_, real_code);
  ASSERT_EQ(store.kept_tickets.size(), 1u) << "it did not wait";
  die_everywhere(120, [&] { expect_whole(); });
}

TEST_F(RecoveryTest, ACancelledScriptIsNeverGreenWhereverTheWorkerDies_RST03) {
  cancel_after_ = 2;
  live(0);
  ASSERT_EQ(code_, exit_cancelled);
  die_everywhere(50, [&] {
    ASSERT_TRUE(code_) << "the script hangs";
    EXPECT_NE(*code_, 0);
    EXPECT_EQ(cluster.created[pod_name], 1);
    auto lines = output();
    EXPECT_EQ(lines, numbered(1, static_cast<int>(lines.size())))
      << "no line twice, none out of order";
  });
}

} // namespace

} // namespace cuttle::test
