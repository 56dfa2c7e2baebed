#include "infra/load/generator.hpp"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "infra/kubernetes/manifest.hpp"
#include "infra/load/output_check.hpp"

namespace cuttle::load {

namespace {

using clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds tick_time{250};
constexpr std::size_t most_troubles = 10;

std::chrono::microseconds micros(clock::duration x) {
  return std::chrono::duration_cast<std::chrono::microseconds>(x);
}

// One operation, from when it is due to its end.
struct load_operation {
  explicit load_operation(std::uint32_t lines) : check(lines) {}

  script_ticket ticket;
  clock::time_point due;
  output_check check;
  std::optional<clock::time_point> pod_at;
  std::optional<clock::time_point> first_line_at;
  std::optional<clock::time_point> cancelled_at;
  unsigned pods = 0;
  bool over = false;
};

using operation_ptr = std::shared_ptr<load_operation>;

} // namespace

struct generator::impl : std::enable_shared_from_this<impl> {
  impl(load_profile profile, std::vector<target> to)
    : targets(std::move(to)), file(std::make_shared<stream_body>()) {
    outcome_so_far.profile = std::move(profile);
    file->bytes.assign(outcome_so_far.profile.file_bytes, 'x');
    file->length = static_cast<std::int64_t>(file->bytes.size());
  }

  const load_profile& profile() const {
    return outcome_so_far.profile;
  }

  start_script command_of(const script_ticket& ticket,
                          std::uint64_t number) const {
    start_script result;
    result.script_body = script_text(profile().script);
    result.ticket = ticket;
    result.task_id = "ServerTasks-" + std::to_string(number + 1);
    result.isolation_mutex_name = "RunningScript";
    auto project = "load-" + std::to_string(number % profile().projects + 1);
    result.auth
      = auth_context{"default", project, {}, "benchmark", {}, "run-script"};
    for (unsigned i = 0; i < profile().files; ++i)
      result.files.push_back({"file-" + std::to_string(i + 1), file, {}});
    return result;
  }

  void start(std::uint64_t number, clock::time_point due) {
    auto x = std::make_shared<load_operation>(profile().script.lines);
    x->ticket = sim::make_ticket();
    x->due = due;
    auto& to = targets[number % targets.size()];
    {
      std::lock_guard lock{mutex};
      auto& r = outcome_so_far;
      ++r.started;
      r.most_at_once = std::max(r.most_at_once, r.started - r.ended);
      r.most_behind = std::max(r.most_behind, micros(clock::now() - due));
      by_pod[kubernetes::script_pod_name(x->ticket)] = x;
    }
    sim::script_observer observer;
    observer.on_lines = [this, x, &to](const std::vector<output_line>& lines,
                                       process_state) { add(x, to, lines); };
    observer.on_status = [this](std::chrono::microseconds took) {
      std::lock_guard lock{mutex};
      outcome_so_far[measure::status_call].add(took);
    };
    observer.on_end
      = [this, x](const sim::script_result& result) { end(x, result); };
    to.server->run(to.subscription, command_of(x->ticket, number),
                   std::move(observer));
  }

  void add(const operation_ptr& x, const target& from,
           const std::vector<output_line>& lines) {
    auto now = clock::now();
    auto wall = wall_micros();
    auto cancel_now = false;
    {
      std::lock_guard lock{mutex};
      auto& r = outcome_so_far;
      for (auto& text : lines) {
        auto line = read_load_line(text.text);
        if (!line)
          continue;
        if (!x->first_line_at) {
          x->first_line_at = now;
          if (x->pod_at)
            r[measure::first_line].add(micros(now - *x->pod_at));
        }
        x->check.add(*line);
        ++r.lines;
        r.line_bytes += text.text.size();
        r[measure::line].add(std::chrono::microseconds{wall - line->printed});
      }
      if (profile().cancel && x->first_line_at && !x->cancelled_at) {
        x->cancelled_at = now;
        cancel_now = true;
      }
    }
    if (cancel_now)
      from.server->cancel(x->ticket);
  }

  void end(const operation_ptr& x, const sim::script_result& result) {
    std::lock_guard lock{mutex};
    if (std::exchange(x->over, true))
      return;
    auto& r = outcome_so_far;
    ++r.ended;
    last_end = std::max(last_end, result.ended);
    r.status_calls += result.status_calls;
    if (result.started != clock::time_point{})
      r[measure::start_call].add(micros(result.started - x->due));
    r[measure::whole].add(micros(result.ended - x->due));
    if (x->cancelled_at)
      r[measure::cancel].add(micros(result.ended - *x->cancelled_at));
    else if (auto at = x->check.ended_at())
      r[measure::complete].add(std::chrono::microseconds{wall_micros() - *at});
    judge(*x, result);
    changed.notify_all();
  }

  void judge(const load_operation& x, const sim::script_result& result) {
    auto& r = outcome_so_far;
    if (result.trouble.code != errc::none) {
      ++r.lost_operations;
      return trouble(x, result.trouble.text);
    }
    if (x.pods > 1 || x.check.begins() > 1) {
      ++r.doubled_operations;
      trouble(x, "ran more than once");
    }
    if (x.check.doubled() > 0 || x.check.disordered() > 0) {
      r.doubled_lines += x.check.doubled();
      r.disordered_lines += x.check.disordered();
      trouble(x, std::to_string(x.check.doubled()) + " lines doubled, "
                   + std::to_string(x.check.disordered()) + " out of order");
    }
    // What a cancelled script has not printed is not lost.
    if (profile().cancel)
      return;
    if (result.exit_code != 0) {
      ++r.lost_operations;
      return trouble(x, "exit code " + std::to_string(result.exit_code)
                          + (result.lines.empty()
                               ? std::string{}
                               : ", last line: " + result.lines.back().text));
    }
    if (auto lost = x.check.lost(); lost > 0) {
      r.lost_lines += lost;
      trouble(x, std::to_string(lost) + " lines lost");
    }
  }

  void trouble(const load_operation& x, const std::string& text) {
    ++troubled;
    if (outcome_so_far.troubles.size() < most_troubles)
      outcome_so_far.troubles.push_back(x.ticket.task_id + ": " + text);
  }

  bool may_start(std::uint64_t number, clock::duration offset) const {
    auto& p = profile();
    return (p.operations == 0 || number < p.operations)
           && (p.duration.count() == 0 || offset < p.duration);
  }

  std::vector<target> targets;
  received_stream file;
  mutable std::mutex mutex;
  std::condition_variable changed;
  load_result outcome_so_far;
  std::unordered_map<std::string, operation_ptr> by_pod;
  clock::time_point last_end;
  std::uint64_t troubled = 0;
};

generator::generator(load_profile profile, std::vector<target> targets)
  : impl_(std::make_shared<impl>(std::move(profile), std::move(targets))) {}

generator::~generator() = default;

void generator::pod_created(const std::string& name,
                            std::optional<clock::time_point> asked) {
  auto now = clock::now();
  std::lock_guard lock{impl_->mutex};
  auto i = impl_->by_pod.find(name);
  if (i == impl_->by_pod.end())
    return;
  auto& x = *i->second;
  ++x.pods;
  if (x.pod_at)
    return;
  x.pod_at = now;
  impl_->outcome_so_far[measure::pod_created].add(micros(now - x.due));
  if (asked)
    impl_->outcome_so_far[measure::create_sent].add(micros(*asked - x.due));
}

void generator::line_confirmed(std::chrono::microseconds after) {
  std::lock_guard lock{impl_->mutex};
  impl_->outcome_so_far[measure::confirmed].add(after);
}

void generator::run(const std::function<bool(const progress&)>& tick) {
  auto& x = *impl_;
  auto& p = x.profile();
  arrival_times times{p.arrival, p.rate, p.burst, p.seed};
  auto begin = clock::now();
  x.last_end = begin;
  std::uint64_t number = 0;
  clock::duration offset = times.next();
  auto next_tick = begin;
  auto last_start = begin;
  std::unique_lock lock{x.mutex};
  for (;;) {
    auto now = clock::now();
    if (now >= next_tick) {
      progress state{now - begin, x.outcome_so_far.started,
                     x.outcome_so_far.ended, x.troubled};
      lock.unlock();
      auto go_on = tick(state);
      lock.lock();
      if (!go_on)
        break;
      next_tick = now + tick_time;
    }
    auto open = x.outcome_so_far.started - x.outcome_so_far.ended;
    auto more = x.may_start(number, offset);
    if (more && now >= begin + offset && open < p.concurrency) {
      lock.unlock();
      x.start(number++, begin + offset);
      last_start = clock::now();
      lock.lock();
      offset = times.next();
      continue;
    }
    if (!more && open == 0)
      break;
    if (!more && now > last_start + p.patience)
      break;
    auto until = next_tick;
    if (more && open < p.concurrency)
      until = std::min(until, begin + offset);
    x.changed.wait_until(lock, until);
  }
  auto& r = x.outcome_so_far;
  r.seconds
    = std::chrono::duration<double>(
        std::max(x.last_end, begin + std::chrono::milliseconds{1}) - begin)
        .count();
  // From here on nothing changes the result any more.
  for (auto& [name, operation] : x.by_pod)
    if (!std::exchange(operation->over, true)) {
      ++r.lost_operations;
      x.trouble(*operation, "has not ended");
    }
}

load_result generator::result() const {
  std::lock_guard lock{impl_->mutex};
  return impl_->outcome_so_far;
}

} // namespace cuttle::load
