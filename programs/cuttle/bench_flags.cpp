#include "programs/cuttle/bench_flags.hpp"

#include <fstream>
#include <sstream>

namespace cuttle {

using nlohmann::json;

template <class Value>
CLI::Option* bench_flags::member(const char* flag, const char* name,
                                 const char* text) {
  return command_->add_option_function<Value>(
    flag,
    [this, name](const Value& value) {
      changes_[json::json_pointer{name}] = value;
    },
    text);
}

bench_flags::bench_flags(CLI::App& app)
  : command_(
    app.add_subcommand("bench", "Put load on a worker and report how it did")) {
  auto& c = *command_;
  using number = std::uint64_t;
  c.add_option("--profile", files_,
               "Files with loads (benchmarks/profiles), played one after the "
               "other; the flags below change each of them")
    ->check(CLI::ExistingFile);
  member<number>("--operations", "/operations", "End after so many");
  member<number>("--duration", "/seconds", "Start none after so many seconds");
  member<double>("--rate", "/rate", "Operations a second; 0: all at once");
  member<std::string>("--arrival", "/arrival", "How they come")
    ->check(CLI::IsMember({"constant", "poisson", "burst"}));
  member<number>("--burst", "/burst", "How many come at once");
  member<number>("--concurrency", "/concurrency", "At most so many at a time");
  member<number>("--seed", "/seed", "Of the random arrivals");
  member<std::string>("--script", "/script/kind", "What the scripts do")
    ->check(CLI::IsMember(load::script_kinds()));
  member<number>("--lines", "/script/lines", "Lines of each script");
  member<number>("--line-bytes", "/script/bytes", "Padding of each line");
  member<number>("--line-every", "/script/every_ms",
                 "Milliseconds between lines");
  member<number>("--sleep", "/script/sleep_ms",
                 "Milliseconds that each script sleeps at its end");
  member<number>("--files", "/script/files", "Files that come with a script");
  member<number>("--file-bytes", "/script/file_bytes", "Their size");
  member<std::string>("--cadence", "/cadence",
                      "Status calls: as the real client, or each 50 ms")
    ->check(CLI::IsMember({"real", "fast"}));
  member<number>("--servers", "/servers", "Octopus Servers");
  member<number>("--connections", "/connections",
                 "Polling connections to each server");
  member<number>("--projects", "/projects",
                 "Projects that operations belong to in turn");
  c.add_flag_callback(
    "--no-links", [this] { changes_["links"] = false; },
    "Runners do not dial the worker: output comes through the API server");
  member<number>("--patience", "/patience_s",
                 "Seconds after the last start until the rest counts as lost");
  c.add_option("--at-once", at_once_,
               "Play each load so many times, with so many operations at once")
    ->delimiter(',')
    ->check(CLI::Range(1, 100'000));
  c.add_option("--set", settings_,
               "NAME=VALUE: environment variable of the worker");
  c.add_option("--kubeconfig", options_.kubeconfig,
               "A real cluster; its node must see the files of this machine")
    ->check(CLI::ExistingFile);
  c.add_option("--image", options_.image, "Image of its script pods");
  c.add_flag("--processes", options_.processes,
             "The embedded cluster's pods are processes, not played");
  auto* serve = c.add_flag("--serve", options_.serve,
                           "Start no worker; wait for one to connect");
  c.add_option("--bind", options_.bind, "Address to listen on")->needs(serve);
  c.add_option("--port", options_.port, "First port to listen on")
    ->needs(serve);
  auto* trust
    = c.add_option("--trust", options_.trust,
                   "Thumbprint of a worker that is registered already")
        ->needs(serve);
  auto* subscription = c.add_option("--subscription", options_.subscription,
                                    "Its subscription, poll://…/")
                         ->needs(trust);
  trust->needs(subscription);
  c.add_option("--worker-pid", options_.worker_process,
               "Its process on this machine, to be measured")
    ->needs(serve);
  c.add_option("--json", options_.json, "Write a report for programs");
  c.add_option("--html", options_.html, "Write a report with plots");
  c.add_option("--svg", options_.svg,
               "Write a plot of what the worker took over the last load");
  c.add_option("--worker-log", options_.worker_log,
               "Keep the worker's log in this file");
  c.add_flag("--quiet", options_.quiet, "No progress on standard error");
}

outcome<load::load_profile> bench_flags::read(const std::string& file) const {
  json from = json::object();
  if (!file.empty()) {
    std::ifstream in{file};
    std::ostringstream text;
    text << in.rdbuf();
    from = json::parse(text.str(), nullptr, false);
    if (!from.is_object())
      return fail(errc::invalid_request, file + " is not a JSON object");
    if (!from.contains("name"))
      from["name"] = std::filesystem::path{file}.stem().string();
  }
  // Another kind of script replaces the file's script with all it says.
  if (changes_.contains("/script/kind"_json_pointer))
    from.erase("script");
  from.merge_patch(changes_);
  if (file.empty() && changes_.contains("/script/kind"_json_pointer))
    from["name"] = changes_["script"]["kind"];
  for (auto& setting : settings_) {
    auto cut = setting.find('=');
    if (cut == 0 || cut == setting.npos)
      return fail(errc::invalid_request,
                  "--set takes NAME=VALUE, not " + setting);
    from["worker"][setting.substr(0, cut)] = setting.substr(cut + 1);
  }
  auto profile = load::read_profile(from.dump());
  if (!profile && !file.empty())
    return fail(profile.error().code, file + ": " + profile.error().text);
  return profile;
}

outcome<bench_options> bench_flags::options() {
  auto files = files_.empty() ? std::vector<std::string>{{}} : files_;
  for (auto& file : files) {
    auto profile = read(file);
    if (!profile)
      return tl::unexpected(profile.error());
    if (at_once_.empty())
      options_.profiles.push_back(std::move(*profile));
    for (auto count : at_once_)
      options_.profiles.push_back(load::all_at_once(*profile, count));
  }
  if (options_.serve && options_.profiles.size() != 1)
    return fail(errc::invalid_request, "--serve plays one profile");
  return options_;
}

} // namespace cuttle
