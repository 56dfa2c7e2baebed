#include "programs/cuttle/demo_player.hpp"

#include <algorithm>
#include <atomic>
#include <utility>

#include "infra/kubernetes/manifest.hpp"
#include "infra/tentacle/client.hpp"
#include "programs/cuttle/await.hpp"

namespace cuttle {

namespace {

using namespace std::chrono_literals;

constexpr auto upload_patience = 60s;

std::chrono::milliseconds since(sim::script_result::clock::time_point from,
                                sim::script_result::clock::time_point to) {
  if (from == sim::script_result::clock::time_point{} || to < from)
    return 0ms;
  return std::chrono::duration_cast<std::chrono::milliseconds>(to - from);
}

const char* state_text(process_state state) {
  switch (state) {
  case process_state::pending:
    return "pending";
  case process_state::running:
    return "running";
  case process_state::complete:
    break;
  }
  return "complete";
}

} // namespace

// -- call_counter -----------------------------------------------------------

void call_counter::add(const kubernetes::api_call& call) {
  std::lock_guard lock{mutex_};
  if (call.resource != "pods" || call.name.empty()) {
    ++others_;
    return;
  }
  auto& e = by_pod_[std::string{call.name}];
  if (e.calls++ == 0)
    e.first = sim::script_result::clock::now();
}

unsigned call_counter::of(const std::string& pod) const {
  std::lock_guard lock{mutex_};
  auto i = by_pod_.find(pod);
  return i == by_pod_.end() ? 0 : i->second.calls;
}

sim::script_result::clock::time_point
call_counter::first(const std::string& pod) const {
  std::lock_guard lock{mutex_};
  auto i = by_pod_.find(pod);
  return i == by_pod_.end() ? sim::script_result::clock::time_point{}
                            : i->second.first;
}

unsigned call_counter::others() const {
  std::lock_guard lock{mutex_};
  return others_;
}

// -- demo_player ------------------------------------------------------------

struct demo_player::lane {
  demo_step step;
  script_ticket ticket;
  // Written on the links' thread, read after `ended`.
  sim::script_result result;
  demo_screen::mode mode = demo_screen::mode::normal;
  std::optional<process_state> shown;
  bool cancel_sent = false;
  std::atomic<bool> ended = false;
};

demo_player::demo_player(sim::octopus_server& server, std::string subscription,
                         demo_screen& screen, call_counter& calls,
                         stop_signal& stop)
  : server_(server), subscription_(std::move(subscription)), screen_(screen),
    calls_(calls), stop_(stop) {}

outcome<uploaded_file> demo_player::upload(const std::string& name,
                                           const std::string& contents) {
  auto source = std::make_shared<stream_source>();
  source->bytes = contents;
  source->length = static_cast<std::int64_t>(contents.size());
  auto upload = [&](auto done) {
    server_.transport().call(
      subscription_,
      tentacle::make_upload(name, halibut::make_guid(), std::move(source)),
      [done = std::move(done)](halibut::call_result response) {
        if (response)
          done(tentacle::read_upload(*response));
        else
          done(tl::unexpected(std::move(response.error())));
      });
  };
  return await<uploaded_file>(upload_patience, upload)
    .value_or(fail(errc::deadline_exceeded,
                   "The worker did not take the file in time."));
}

void demo_player::start(const std::shared_ptr<lane>& x) {
  x->ticket = sim::make_ticket();
  start_script command;
  command.script_body = x->step.body;
  command.task_id = "ServerTasks-1042";
  command.ticket = x->ticket;
  command.isolation_mutex_name = "RunningScript";
  command.arguments = x->step.arguments;
  if (x->step.image)
    command.image = pod_image{x->step.image, {}, {}, {}};
  command.auth
    = auth_context{"default", "web", {}, "production", {}, x->step.name};
  sim::script_observer observer;
  observer.on_lines
    = [this, x](const std::vector<output_line>& lines, process_state state) {
        if (x->shown != state && state != process_state::complete) {
          x->shown = state;
          screen_.progress(x->step.name, state_text(state));
        }
        screen_.lines(x->step.name, x->mode, lines);
        if (!x->step.cancelled || x->cancel_sent)
          return;
        auto due
          = std::any_of(lines.begin(), lines.end(), [&](const output_line& l) {
              return l.text == x->step.expected_line;
            });
        if (due) {
          x->cancel_sent = true;
          screen_.progress(x->step.name, "the user cancels");
          server_.cancel(x->ticket);
        }
      };
  observer.on_end = [this, x](const sim::script_result& result) {
    x->result = result;
    screen_.progress(x->step.name, result.trouble.code != errc::none
                                     ? "failed: " + result.trouble.text
                                     : "complete, exit code "
                                         + std::to_string(result.exit_code));
    x->ended = true;
    stop_.notify();
  };
  server_.run(subscription_, std::move(command), std::move(observer));
}

demo_row demo_player::row_of(const lane& x,
                             const std::string& default_image) const {
  auto& r = x.result;
  demo_row row;
  row.step = x.step.name;
  row.pod = kubernetes::script_pod_name(x.ticket);
  row.image = x.step.image.value_or(default_image);
  row.exit_code = r.exit_code;
  row.queued = since(r.queued, calls_.first(row.pod));
  row.to_pod = since(r.queued, r.started);
  row.to_first_line = since(r.queued, r.first_script_line);
  row.total = since(r.queued, r.ended);
  row.calls = calls_.of(row.pod);
  row.complaint
    = judge_step(x.step, r.cancelled, r.exit_code, r.trouble, r.lines);
  return row;
}

std::vector<demo_row> demo_player::play(const std::vector<demo_stage>& stages,
                                        const std::string& default_image) {
  std::vector<demo_row> rows;
  for (auto& stage : stages) {
    screen_.heading(stage.title);
    std::vector<std::shared_ptr<lane>> lanes;
    for (auto& step : stage.lanes) {
      auto x = std::make_shared<lane>();
      x->step = step;
      lanes.push_back(x);
      start(x);
    }
    auto all_ended = [&] {
      return std::all_of(lanes.begin(), lanes.end(),
                         [](auto& x) { return x->ended.load(); });
    };
    if (stop_.wait(all_ended))
      return rows;
    for (auto& x : lanes)
      rows.push_back(row_of(*x, default_image));
  }
  return rows;
}

} // namespace cuttle
