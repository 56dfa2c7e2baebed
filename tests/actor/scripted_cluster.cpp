#include "scripted_cluster.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "infra/kubernetes/manifest.hpp"
#include "infra/podlog/frame.hpp"

namespace cuttle::test {

using kubernetes::call_id;

namespace {

using kind = container_status::kind;

constexpr auto time_stamp = "2026-01-01T10:00:00.000000001Z ";

std::string name_of(const script_ticket& ticket) {
  return kubernetes::script_pod_name(ticket);
}

template <class T>
std::deque<T> drain(std::deque<T>& xs) {
  return std::exchange(xs, {});
}

template <class Call>
auto take(std::deque<Call>& xs, const std::string& name)
  -> decltype(xs.front().done) {
  for (auto i = xs.begin(); i != xs.end(); ++i)
    if (i->name == name) {
      auto done = std::move(i->done);
      xs.erase(i);
      return done;
    }
  ADD_FAILURE() << "no such call for " << name;
  return [](auto) {};
}

} // namespace

crypto::log_key sample_key() {
  crypto::log_key result;
  for (std::size_t i = 0; i < result.value.size(); ++i)
    result.value[i] = static_cast<std::uint8_t>(i * 7 + 1);
  return result;
}

// -- what the cluster does ----------------------------------------------------

bool scripted_cluster::serve() {
  auto busy = !creations.empty() || !lookups.empty() || !removals.empty()
              || !versions.empty();
  for (auto& x : drain(versions))
    x.done(kubernetes::cluster_version{1, 31, "v1.31.0"});
  for (auto& x : drain(creations))
    answer_creation(std::move(x));
  for (auto& x : drain(lookups)) {
    if (auto i = pods.find(x.name); i != pods.end())
      x.done(i->second.snapshot);
    else
      x.done(fail(errc::not_found, "pods \"" + x.name + "\" not found"));
  }
  for (auto& x : drain(removals))
    answer_removal(std::move(x));
  std::vector<call_id> open;
  for (auto& [id, x] : streams)
    open.push_back(id);
  for (auto id : open) {
    auto i = streams.find(id);
    if (i == streams.end())
      continue;
    auto p = pods.find(i->second.query.pod);
    auto end = [&](failure reason) {
      auto f = i->second.callbacks.on_end;
      streams.erase(i);
      f(reason);
      busy = true;
    };
    if (p == pods.end()) {
      end({errc::not_found, "pods \"" + i->second.query.pod + "\" not found"});
      continue;
    }
    if (p->second.log_failure.code != errc::none) {
      end(p->second.log_failure);
      continue;
    }
    busy = feed(p->second.snapshot.ticket) || busy;
    i = streams.find(id);
    if (i == streams.end() || i->second.paused
        || i->second.sent < p->second.log.size())
      continue;
    auto& containers = p->second.snapshot.containers;
    if (!containers.empty() && containers[0].state == kind::terminated)
      end({});
  }
  return busy;
}

void scripted_cluster::list() {
  std::vector<pod_snapshot> all;
  for (auto& [name, x] : pods)
    all.push_back(x.snapshot);
  for (auto& [id, watch] : std::map{watches})
    watch.on_list(all);
}

void scripted_cluster::answer_creation(creation x) {
  if (x.refusal.code != errc::none)
    return x.done(tl::unexpected(x.refusal));
  auto i = pods.find(x.name);
  if (i == pods.end())
    return x.done(fail(errc::not_found, "the pod was deleted meanwhile"));
  auto copy = i->second.snapshot;
  x.done(copy);
  announce(copy.ticket);
}

void scripted_cluster::accept_creation(const script_ticket& ticket) {
  auto done = take(creations, name_of(ticket));
  auto i = pods.find(name_of(ticket));
  ASSERT_NE(i, pods.end());
  done(i->second.snapshot);
}

void scripted_cluster::refuse_creation(
  const script_ticket& ticket, failure reason,
  std::optional<std::chrono::seconds> retry_after) {
  auto done = take(creations, name_of(ticket));
  pods.erase(name_of(ticket));
  --created[name_of(ticket)];
  kubernetes::creation_failure why{std::move(reason)};
  why.retry_after = retry_after;
  done(tl::unexpected(std::move(why)));
}

scripted_cluster::pod& scripted_cluster::add(const script_ticket& ticket) {
  auto& result = pods[name_of(ticket)];
  auto& s = result.snapshot;
  s.name = name_of(ticket);
  s.uid = "uid-" + std::to_string(++last_uid_);
  s.ticket = ticket;
  s.task_id = "ServerTasks-1";
  s.created_at = now;
  s.phase = "Pending";
  s.image = "octopusdeploy/worker-tools";
  s.containers.push_back({s.name, kind::waiting, "ContainerCreating", "", 0,
                          std::nullopt, std::nullopt});
  return result;
}

void scripted_cluster::changed(const pod& x) {
  auto copy = x.snapshot;
  for (auto& [id, watch] : std::map{watches})
    watch.on_change(copy);
}

void scripted_cluster::announce(const script_ticket& ticket) {
  changed(at(ticket));
}

void scripted_cluster::run(const script_ticket& ticket) {
  auto& x = at(ticket);
  x.snapshot.phase = "Running";
  x.snapshot.node = "node-1";
  x.snapshot.containers[0].state = kind::running;
  x.snapshot.containers[0].reason.clear();
  x.snapshot.containers[0].started_at = now;
  changed(x);
}

void scripted_cluster::append(pod& x, std::int64_t number, output_source source,
                              const std::string& text) {
  x.log += time_stamp;
  podlog::append_frame(x.log, sample_key(), number, source, text);
}

void scripted_cluster::write(const script_ticket& ticket,
                             const std::string& text, output_source source) {
  auto& x = at(ticket);
  append(x, ++x.lines, source, text);
}

void scripted_cluster::write_lines(const script_ticket& ticket, int count) {
  for (int i = 0; i < count; ++i)
    write(ticket, "line " + std::to_string(at(ticket).lines + 1));
}

void scripted_cluster::write_end(const script_ticket& ticket,
                                 std::int32_t code) {
  write(ticket, podlog::end_marker_text(code), output_source::debug);
}

void scripted_cluster::finish(const script_ticket& ticket, std::int32_t code) {
  auto& x = at(ticket);
  x.snapshot.phase = code == 0 ? "Succeeded" : "Failed";
  auto& c = x.snapshot.containers[0];
  c.state = kind::terminated;
  c.reason = code == 0 ? "Completed" : "Error";
  c.exit_code = code;
  c.finished_at = now;
  changed(x);
}

void scripted_cluster::remove(const script_ticket& ticket) {
  auto i = pods.find(name_of(ticket));
  ASSERT_NE(i, pods.end());
  auto last = std::move(i->second.snapshot);
  pods.erase(i);
  last.deleting = true;
  for (auto& [id, watch] : std::map{watches})
    watch.on_delete(last);
}

scripted_cluster::pod* scripted_cluster::find(const script_ticket& ticket) {
  auto i = pods.find(name_of(ticket));
  return i == pods.end() ? nullptr : &i->second;
}

scripted_cluster::pod& scripted_cluster::at(const script_ticket& ticket) {
  return pods.at(name_of(ticket));
}

scripted_cluster::stream*
scripted_cluster::log_of(const script_ticket& ticket) {
  for (auto i = streams.rbegin(); i != streams.rend(); ++i)
    if (i->second.query.pod == name_of(ticket))
      return &i->second;
  return nullptr;
}

bool scripted_cluster::feed(const script_ticket& ticket) {
  auto fed = false;
  auto& log = at(ticket).log;
  // In pieces as a socket has them, so that a pause takes effect.
  constexpr std::size_t piece = 1000;
  for (auto n = 0u; n < pieces; ++n) {
    auto* x = log_of(ticket);
    if (!x || x->paused || x->sent >= log.size())
      break;
    auto from = x->sent;
    x->sent = std::min(from + piece, log.size());
    auto on_data = x->callbacks.on_data;
    on_data(std::string_view{log}.substr(from, x->sent - from));
    fed = true;
  }
  return fed;
}

void scripted_cluster::feed(const script_ticket& ticket,
                            std::string_view bytes) {
  auto* x = log_of(ticket);
  ASSERT_NE(x, nullptr);
  auto on_data = x->callbacks.on_data;
  on_data(bytes);
}

void scripted_cluster::end_log(const script_ticket& ticket, failure reason) {
  for (auto i = streams.begin(); i != streams.end(); ++i)
    if (i->second.query.pod == name_of(ticket)) {
      auto on_end = i->second.callbacks.on_end;
      streams.erase(i);
      on_end(reason);
      return;
    }
  ADD_FAILURE() << "no open log of " << ticket.task_id;
}

void scripted_cluster::event(pod_event x) {
  for (auto& [id, watch] : std::map{event_watches})
    watch.on_change(x);
}

void scripted_cluster::trouble(failure reason) {
  for (auto& [id, watch] : std::map{watches})
    watch.on_trouble(reason, std::chrono::seconds{1});
}

void scripted_cluster::clear() {
  creations.clear();
  lookups.clear();
  removals.clear();
  versions.clear();
  streams.clear();
  watches.clear();
  event_watches.clear();
}

} // namespace cuttle::test
