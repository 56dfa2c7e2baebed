// A script's actors throw at every step of a normal run, once or always. The
// neighbour must not notice, and the broken script must end truthfully.

#include "actor_fixture.hpp"
#include "scripted_links.hpp"

namespace cuttle::test {

namespace {

const script_ticket broken{"Broken-1"};
const script_ticket neighbour{"Neighbour-1"};
constexpr int line_count = 6;
constexpr std::int32_t broken_code = 3;

// What a server does with one script.
struct client {
  script_ticket ticket;
  std::int32_t real_code = 0;
  answer_ptr<script_status> open{};
  answer_ptr<bool> completion{};
  bool answered = false;
  std::int64_t cursor = 0;
  unsigned errors = 0;
  std::vector<output_line> lines{};
  std::optional<std::int32_t> code{};

  std::vector<std::string> of(output_source source) const {
    std::vector<std::string> result;
    for (auto& x : lines)
      if (x.source == source)
        result.push_back(x.text);
    return result;
  }

  // Lines that the script printed, in order.
  std::vector<std::string> output() const {
    std::vector<std::string> result;
    for (auto& x : of(output_source::out))
      if (x.starts_with("line "))
        result.push_back(x);
    return result;
  }

  bool finished() const {
    return completion && completion->done;
  }
};

// With and without the runners' own links.
class FaultTest : public intake_fixture,
                  public ::testing::WithParamInterface<bool> {
protected:
  void SetUp() override {
    intake_fixture::SetUp();
    if (GetParam())
      made->links = &links;
  }

  // The next request of the server, once the last one is answered.
  void talk(client& x) {
    if (x.open && !x.open->done)
      return;
    if (x.open)
      take(x);
    if (x.code) {
      if (!x.completion)
        x.completion = ask<bool>(intake, complete_script{x.ticket});
    } else if (!x.answered) {
      x.open = start(x.ticket);
    } else {
      x.open = ask(intake, get_status{x.ticket, x.cursor});
    }
  }

  void take(client& x) {
    auto reply = std::exchange(x.open, nullptr);
    if (reply->error) {
      ++x.errors;
      EXPECT_FALSE(reply->error->text.empty());
      return;
    }
    auto& status = *reply->value;
    x.answered = true;
    x.cursor = status.next_sequence;
    for (auto& line : status.lines)
      x.lines.push_back(std::move(line));
    if (status.state == process_state::complete)
      x.code = status.exit_code;
  }

  // The script's container: runs, prints a line at a time, ends.
  void play(const client& x) {
    auto* pod = cluster.find(x.ticket);
    if (!pod)
      return;
    auto state = pod->snapshot.containers[0].state;
    using kind = container_status::kind;
    if (state == kind::waiting) {
      cluster.run(x.ticket);
    } else if (state == kind::running) {
      if (pod->lines < line_count)
        return cluster.write_lines(x.ticket, 1);
      if (pod->lines == line_count)
        cluster.write_end(x.ticket, x.real_code);
      cluster.finish(x.ticket, x.real_code);
    }
  }

  // The runner of a script that has begun: dials whenever it can, sends what it
  // is asked for, and leaves all in the workspace when it ends.
  void link(const client& x) {
    auto* pod = cluster.find(x.ticket);
    using kind = container_status::kind;
    if (!GetParam() || !pod
        || pod->snapshot.containers[0].state == kind::waiting)
      return;
    auto ended = pod->snapshot.containers[0].state != kind::running;
    if (ended)
      store.kept[x.ticket.key()] = pod->log;
    if (!links.expects(x.ticket))
      return;
    auto session = links.session(x.ticket);
    if (session == 0) {
      if (!ended)
        links.dial(x.ticket);
      return;
    }
    if (links.after.contains(session)) {
      auto& from = links.after[session];
      std::istringstream all{pod->log};
      std::int64_t number = 0;
      for (std::string line; std::getline(all, line);)
        if (++number > from)
          links.send(x.ticket, line + "\n");
      from = number;
    }
    if (ended)
      links.hang_up(x.ticket);
  }

  // Both scripts to their ends.
  void run(client& first, client& second) {
    for (int i = 0; i < 400 && !(first.finished() && second.finished()); ++i) {
      talk(first);
      talk(second);
      serve();
      if (first.answered)
        play(first);
      if (second.answered)
        play(second);
      link(first);
      link(second);
      serve();
      advance(500ms);
    }
    EXPECT_TRUE(first.code) << "the broken script hangs";
    EXPECT_TRUE(second.code) << "the neighbour hangs";
    EXPECT_TRUE(first.finished()) << "CompleteScript is not answered";
    EXPECT_TRUE(second.finished());
  }

  static bool breakable(std::string_view step) {
    return !step.starts_with("task_intake.");
  }

  void expect_unharmed(const client& x) {
    EXPECT_EQ(x.code, 0);
    EXPECT_EQ(x.errors, 0u);
    EXPECT_EQ(x.output(), numbered(1, line_count));
    EXPECT_TRUE(x.of(output_source::err).empty());
    EXPECT_EQ(cluster.created["octopus-script-neighbour-1"], 1);
  }

  void expect_truthful(const client& x) {
    if (!x.code)
      return;
    EXPECT_LE(cluster.created["octopus-script-broken-1"], 1);
    if (*x.code == broken_code) {
      EXPECT_EQ(x.output(), numbered(1, line_count))
        << "every line once and in order";
      return;
    }
    EXPECT_NE(*x.code, 0);
    EXPECT_FALSE(x.of(output_source::err).empty()) << "no word about why";
  }

  std::vector<std::string> steps_of_a_normal_run() {
    std::vector<std::string> result;
    on_step = [&](std::string_view step, const script_ticket& ticket) {
      if (ticket == broken && breakable(step))
        result.emplace_back(step);
    };
    load();
    client a{broken, broken_code};
    client b{neighbour, 0};
    run(a, b);
    EXPECT_EQ(a.code, broken_code);
    expect_truthful(a);
    expect_unharmed(b);
    EXPECT_EQ(cluster.follows.empty(), GetParam()) << "read the other way";
    on_step = nullptr;
    return result;
  }

  // A world of its own for the next scenario.
  void begin_anew() {
    on_step = nullptr;
    parent().send_exit(intake, caf::exit_reason::kill);
    parent().send_exit(watch, caf::exit_reason::kill);
    intake = nullptr;
    watch = nullptr;
    settle();
    exits.clear();
    cluster.pods.clear();
    cluster.created.clear();
    cluster.clear();
    store.clear();
    store.workspaces.clear();
    store.kept.clear();
    load();
  }

  scripted_links links;
};

TEST_P(FaultTest, ABreakAtEachStepHarmsNoNeighbourAndEndsTruthfully) {
  auto steps = steps_of_a_normal_run();
  ASSERT_GT(steps.size(), 30u);
  auto kept_codes = 0;
  for (std::size_t n = 0; n < steps.size(); ++n) {
    SCOPED_TRACE("break at step " + std::to_string(n) + ": " + steps[n]);
    begin_anew();
    std::size_t count = 0;
    on_step = [&](std::string_view step, const script_ticket& ticket) {
      if (ticket == broken && breakable(step) && count++ == n)
        throw std::runtime_error("the test breaks " + std::string{step});
    };
    client a{broken, broken_code};
    client b{neighbour, 0};
    run(a, b);
    EXPECT_GT(count, n) << "the step was not reached";
    expect_unharmed(b);
    expect_truthful(a);
    EXPECT_TRUE(exits.empty()) << "the intake broke too";
    kept_codes += a.code == broken_code;
  }
  // Giving a script up is for what has no other way.
  EXPECT_GE(kept_codes * 10, static_cast<int>(steps.size()) * 9)
    << kept_codes << " of " << steps.size();
}

TEST_P(FaultTest, AStepThatAlwaysBreaksHarmsNoNeighbourAndEndsTruthfully) {
  auto steps = steps_of_a_normal_run();
  for (auto& poison : std::set<std::string>{steps.begin(), steps.end()}) {
    SCOPED_TRACE("always break at " + poison);
    begin_anew();
    auto thrown = 0;
    on_step = [&](std::string_view step, const script_ticket& ticket) {
      if (ticket == broken && step == poison) {
        ++thrown;
        throw std::runtime_error("the test breaks " + poison);
      }
    };
    client a{broken, broken_code};
    client b{neighbour, 0};
    for (int i = 0; i < 60; ++i) {
      talk(a);
      talk(b);
      serve();
      if (cluster.find(broken))
        play(a);
      if (b.answered)
        play(b);
      link(a);
      link(b);
      serve();
      advance(500ms);
    }
    EXPECT_GT(thrown, 0);
    expect_unharmed(b);
    expect_truthful(a);
    // A start that never works stays an error for the server.
    EXPECT_TRUE(a.code || a.errors > 10);
    EXPECT_TRUE(exits.empty()) << "the intake broke too";
  }
}

TEST_P(FaultTest, NothingIsLeftOfABrokenScriptOnceItsTimeIsOver_ORP04) {
  auto steps = steps_of_a_normal_run();
  for (std::size_t n = 0; n < steps.size(); ++n) {
    SCOPED_TRACE("break at step " + std::to_string(n) + ": " + steps[n]);
    begin_anew();
    std::size_t count = 0;
    on_step = [&](std::string_view step, const script_ticket& ticket) {
      if (ticket == broken && breakable(step) && count++ == n)
        throw std::runtime_error("the test breaks " + std::string{step});
    };
    client a{broken, broken_code};
    client b{neighbour, 0};
    run(a, b);
    on_step = nullptr;
    cluster.list();
    serve();
    if (cluster.find(broken)) {
      caf::anon_send(intake, collect_orphan{broken});
      serve();
    }
    advance(24h);
    serve();
    EXPECT_EQ(cluster.find(broken), nullptr);
    EXPECT_TRUE(summary().operations.empty());
  }
}

TEST_P(FaultTest, ARebuiltScriptSaysWhy) {
  load();
  started(broken);
  cluster.run(broken);
  cluster.write_lines(broken, 2);
  serve();
  // For a runner that does not dial.
  advance(patience->link);
  serve();
  auto before = status(broken);
  auto thrown = false;
  on_step = [&](std::string_view step, const script_ticket&) {
    if (step == "operation.get_status" && !std::exchange(thrown, true))
      throw std::runtime_error("a bug");
  };
  auto reply = ask(intake, get_status{broken, before.next_sequence});
  settle();
  ASSERT_TRUE(reply->error) << "an error lets the server ask again";
  cluster.write_lines(broken, 1);
  serve();
  status(broken, before.next_sequence);
  advance(patience->link_again);
  serve();
  auto after = status(broken, before.next_sequence);
  EXPECT_EQ(texts(after, output_source::out), numbered(3, 3));
}

TEST_P(FaultTest, AScriptThatBreaksAgainAndAgainIsGivenUpWithItsCause) {
  load();
  started(broken);
  cluster.run(broken);
  serve();
  on_step = [&](std::string_view step, const script_ticket&) {
    if (step == "operation.get_status")
      throw std::runtime_error("a bug");
  };
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(ask(intake, get_status{broken, 0}));
    serve();
  }
  auto last = status(broken);
  EXPECT_EQ(last.state, process_state::complete);
  EXPECT_EQ(last.exit_code, exit_fatal);
  EXPECT_TRUE(says(last, output_source::err, "a bug"));
  EXPECT_EQ(cluster.find(broken), nullptr) << "its pod is deleted";
  EXPECT_TRUE(summary().operations.empty());
}

INSTANTIATE_TEST_SUITE_P(OfAScript, FaultTest, ::testing::Bool(),
                         [](const auto& with) {
                           return with.param ? "WithLinks" : "WithoutLinks";
                         });

} // namespace

} // namespace cuttle::test
