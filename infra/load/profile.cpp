#include "infra/load/profile.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace cuttle::load {

namespace {

using nlohmann::json;

// Why a profile can not be used, on the way out of the reader.
struct wrong : std::runtime_error {
  using runtime_error::runtime_error;
};

std::uint64_t whole(const json& value, const std::string& name,
                    std::uint64_t most) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > most)
    throw wrong{'"' + name + "\" must be a whole number from 0 to "
                + std::to_string(most)};
  return value.get<std::uint64_t>();
}

std::string text(const json& value, const std::string& name) {
  if (!value.is_string())
    throw wrong{'"' + name + "\" must be a text"};
  return value.get<std::string>();
}

bool boolean(const json& value, const std::string& name) {
  if (!value.is_boolean())
    throw wrong{'"' + name + "\" must be true or false"};
  return value.get<bool>();
}

void read_script(load_profile& to, const json& from) {
  if (!from.is_object())
    throw wrong{"\"script\" must be an object"};
  // First, since the other members change what the kind says.
  if (auto kind = from.find("kind"); kind != from.end())
    if (!set_script_kind(to, text(*kind, "kind")))
      throw wrong{"\"kind\" names no kind of script: "
                  + kind->get<std::string>()};
  constexpr std::uint64_t day = 86'400'000;
  for (auto& [name, value] : from.items()) {
    if (name == "kind")
      continue;
    if (name == "lines")
      to.script.lines = static_cast<unsigned>(whole(value, name, 100'000'000));
    else if (name == "bytes")
      to.script.bytes = static_cast<unsigned>(whole(value, name, 1'000'000));
    else if (name == "every_ms")
      to.script.every = std::chrono::milliseconds{whole(value, name, day)};
    else if (name == "sleep_ms")
      to.script.sleep = std::chrono::milliseconds{whole(value, name, day)};
    else if (name == "files")
      to.files = static_cast<unsigned>(whole(value, name, 10'000));
    else if (name == "file_bytes")
      to.file_bytes = whole(value, name, std::uint64_t{1} << 30);
    else if (name == "cancel")
      to.cancel = boolean(value, name);
    else
      throw wrong{"\"script\" has no member \"" + name + '"'};
  }
}

void read_worker(load_profile& to, const json& from) {
  if (!from.is_object())
    throw wrong{"\"worker\" must be an object of environment variables"};
  for (auto& [name, value] : from.items())
    to.worker[name] = text(value, name);
}

void read_member(load_profile& to, const std::string& name, const json& value) {
  if (name == "name")
    to.name = text(value, name);
  else if (name == "about")
    to.about = text(value, name);
  else if (name == "operations")
    to.operations = whole(value, name, 10'000'000);
  else if (name == "seconds")
    to.duration = std::chrono::seconds{whole(value, name, 86'400)};
  else if (name == "rate" && value.is_number())
    to.rate = value.get<double>();
  else if (name == "rate")
    throw wrong{"\"rate\" must be a number"};
  else if (name == "arrival") {
    auto kind = arrival_kind_of(text(value, name));
    if (!kind)
      throw wrong{"\"arrival\" is constant, poisson or burst"};
    to.arrival = *kind;
  } else if (name == "burst")
    to.burst = static_cast<unsigned>(whole(value, name, 1'000'000));
  else if (name == "seed")
    to.seed = whole(value, name, std::numeric_limits<std::uint64_t>::max());
  else if (name == "concurrency")
    to.concurrency = whole(value, name, 1'000'000);
  else if (name == "script")
    read_script(to, value);
  else if (name == "cadence") {
    auto which = text(value, name);
    if (which != "real" && which != "fast")
      throw wrong{"\"cadence\" is real or fast"};
    to.cadence = which == "real" ? poll_cadence::real : poll_cadence::fast;
  } else if (name == "servers")
    to.servers = static_cast<unsigned>(whole(value, name, 64));
  else if (name == "connections")
    to.connections = static_cast<unsigned>(whole(value, name, 512));
  else if (name == "projects")
    to.projects = static_cast<unsigned>(whole(value, name, 10'000));
  else if (name == "idle_s")
    to.idle = std::chrono::seconds{whole(value, name, 3'600)};
  else if (name == "old_events")
    to.old_events = static_cast<unsigned>(whole(value, name, 100'000));
  else if (name == "frozen_from_s")
    to.frozen_from = std::chrono::seconds{whole(value, name, 3'600)};
  else if (name == "frozen_until_s")
    to.frozen_until = std::chrono::seconds{whole(value, name, 3'600)};
  else if (name == "bare")
    to.bare = boolean(value, name);
  else if (name == "links")
    to.links = boolean(value, name);
  else if (name == "schedule_ms")
    to.schedule_delay = std::chrono::milliseconds{whole(value, name, 60'000)};
  else if (name == "pull_ms")
    to.pull_delay = std::chrono::milliseconds{whole(value, name, 60'000)};
  else if (name == "patience_s")
    to.patience = std::chrono::seconds{whole(value, name, 86'400)};
  else if (name == "worker")
    read_worker(to, value);
  else
    throw wrong{"there is no member \"" + name + '"'};
}

} // namespace

const std::vector<std::string>& script_kinds() {
  static const std::vector<std::string> kinds{"trivial", "sleep", "chatty",
                                              "big-log", "files", "cancel"};
  return kinds;
}

bool set_script_kind(load_profile& profile, std::string_view kind) {
  using namespace std::chrono_literals;
  script_plan plan;
  unsigned files = 0;
  std::size_t file_bytes = 0;
  auto cancel = false;
  if (kind == "sleep") {
    plan.sleep = 10s;
  } else if (kind == "chatty") {
    plan = {100, 80, 50ms, 0ms};
  } else if (kind == "big-log") {
    plan = {100'000, 100, 0ms, 0ms};
  } else if (kind == "files") {
    files = 20;
    file_bytes = std::size_t{64} * 1024;
  } else if (kind == "cancel") {
    plan.sleep = 60s;
    cancel = true;
  } else if (kind != "trivial") {
    return false;
  }
  profile.script = plan;
  profile.files = files;
  profile.file_bytes = file_bytes;
  profile.cancel = cancel;
  return true;
}

load_profile all_at_once(load_profile profile, std::uint64_t count) {
  profile.name += '-' + std::to_string(count);
  profile.operations = count;
  profile.rate = 0;
  profile.concurrency = std::max<std::size_t>(profile.concurrency, count);
  profile.worker.try_emplace("CUTTLE_OPERATIONS_LIMIT", std::to_string(count));
  return profile;
}

outcome<load_profile> read_profile(std::string_view json_text) {
  auto parsed = json::parse(json_text, nullptr, false);
  if (!parsed.is_object())
    return fail(errc::invalid_request, "a profile is a JSON object");
  load_profile result;
  try {
    for (auto& [name, value] : parsed.items())
      read_member(result, name, value);
  } catch (const wrong& e) {
    return fail(errc::invalid_request, e.what());
  }
  if (auto trouble = complaint_of(result))
    return fail(errc::invalid_request, *trouble);
  return result;
}

std::optional<std::string> complaint_of(const load_profile& profile) {
  if (profile.operations == 0 && profile.duration.count() == 0)
    return "neither a number of operations nor a duration ends the load";
  if (!std::isfinite(profile.rate) || profile.rate < 0
      || profile.rate > 1'000'000)
    return "the rate must be from 0 to 1,000,000 operations a second";
  if (profile.rate == 0 && profile.operations == 0)
    return "a rate of 0 (all at once) needs a number of operations";
  if (profile.burst == 0 || profile.concurrency == 0 || profile.servers == 0
      || profile.connections == 0 || profile.projects == 0)
    return "burst, concurrency, servers, connections and projects are at "
           "least 1";
  if (profile.files > 0 && profile.file_bytes == 0)
    return "files need a size of at least 1 byte";
  if (profile.cancel && profile.script.sleep.count() == 0)
    return "a script that is to be cancelled must sleep";
  if (profile.frozen_until < profile.frozen_from)
    return "the API server can not thaw before it is frozen";
  if (profile.bare && profile.rate > 0)
    return "a bare client is compared with pods that are all due at once";
  return std::nullopt;
}

json to_json(const load_profile& x) {
  json script{{"lines", x.script.lines},
              {"bytes", x.script.bytes},
              {"every_ms", x.script.every.count()},
              {"sleep_ms", x.script.sleep.count()},
              {"files", x.files},
              {"file_bytes", x.file_bytes},
              {"cancel", x.cancel}};
  return {{"name", x.name},
          {"about", x.about},
          {"operations", x.operations},
          {"seconds", x.duration.count()},
          {"rate", x.rate},
          {"arrival", name_of(x.arrival)},
          {"burst", x.burst},
          {"seed", x.seed},
          {"concurrency", x.concurrency},
          {"script", std::move(script)},
          {"cadence", x.cadence == poll_cadence::real ? "real" : "fast"},
          {"servers", x.servers},
          {"connections", x.connections},
          {"projects", x.projects},
          {"links", x.links},
          {"idle_s", x.idle.count()},
          {"old_events", x.old_events},
          {"frozen_from_s", x.frozen_from.count()},
          {"frozen_until_s", x.frozen_until.count()},
          {"bare", x.bare},
          {"schedule_ms", x.schedule_delay.count()},
          {"pull_ms", x.pull_delay.count()},
          {"patience_s", x.patience.count()},
          {"worker", x.worker}};
}

} // namespace cuttle::load
