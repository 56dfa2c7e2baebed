// Scenarios about one script and its end.

#include "infra/kubernetes/manifest.hpp"
#include "programs/cuttle/scenario_plays.hpp"

namespace cuttle::scenario_plays {

namespace {

using strings = std::vector<std::string>;

start_script script_of(const std::string& body, bool raw = false) {
  start_script command;
  command.script_body = body;
  command.raw = raw;
  return command;
}

strings counted(int last) {
  strings result;
  for (int i = 1; i <= last; ++i)
    result.push_back("line " + std::to_string(i));
  return result;
}

std::string found_lines(const strings& lines) {
  return std::to_string(lines.size()) + " lines"
         + (lines.empty() ? "" : ", the last one '" + lines.back() + "'");
}

void expect_code(scenario_stage& stage, const std::string& name,
                 const sim::script_result& result, std::int32_t code) {
  stage.expect(
    name + ": the exit code is " + std::to_string(code),
    result.state == process_state::complete && result.exit_code == code,
    result.trouble.code != errc::none ? result.trouble.text
                                      : std::to_string(result.exit_code));
}

void expect_lines(scenario_stage& stage, const std::string& name,
                  const sim::script_result& result, const strings& wanted) {
  auto found = own_lines(result);
  auto what = wanted.size() == 1
                ? "its line arrives once"
                : "each of its " + std::to_string(wanted.size())
                    + " lines arrives once and in order";
  stage.expect(name + ": " + what, found == wanted, found_lines(found));
}

void expect_count(scenario_stage& stage, const std::string& name,
                  const std::string& what, bool held, unsigned found) {
  stage.expect(name + ": " + what, held, std::to_string(found));
}

/// The same script as a normal and as a raw one, side by side.
std::vector<scenario_script_ptr> start_both(scenario_stage& stage,
                                            const std::string& body) {
  return {stage.start("normal", script_of(body)),
          stage.start("raw", script_of(body, true))};
}

} // namespace

void hello(scenario_stage& stage) {
  if (!stage.start_worker())
    return;
  auto wanted = counted(30);
  wanted.insert(wanted.begin(), "Hello World");
  for (auto& script :
       start_both(stage, "echo Hello World\nfor i in $(seq 1 30); do\n"
                         "  echo line $i\n  sleep 0.1\ndone")) {
    auto& name = script->name();
    auto result = stage.wait(*script);
    expect_code(stage, name, result, 0);
    expect_lines(stage, name, result, wanted);
    stage.expect(name + ": the pod's events are in the task log",
                 has_part(result, "[POD EVENT]"));
    expect_count(stage, name, "StartScript was called at least once",
                 result.start_calls >= 1, result.start_calls);
    expect_count(stage, name, "GetStatus was called more than once",
                 result.status_calls > 1, result.status_calls);
    expect_count(stage, name, "CompleteScript was called once",
                 result.complete_calls == 1, result.complete_calls);
    expect_count(stage, name, "CancelScript was never called",
                 result.cancel_calls == 0, result.cancel_calls);
    stage.expect_gone(*script);
  }
}

void fails(scenario_stage& stage) {
  if (!stage.start_worker())
    return;
  for (auto& script : start_both(stage, "echo Hello World\nexit 1")) {
    auto result = stage.wait(*script);
    expect_code(stage, script->name(), result, 1);
    expect_lines(stage, script->name(), result, {"Hello World"});
    stage.expect_gone(*script);
  }
}

void pod_deleted(scenario_stage& stage) {
  if (!stage.start_worker())
    return;
  auto both = start_both(stage, "echo begin\nsleep 600\necho never");
  for (auto& script : both) {
    stage.expect(script->name() + ": the script begins",
                 stage.sees(*script, "begin"));
    stage.expect(script->name() + ": its pod can be deleted",
                 stage.remove("pods/" + stage.pod_name(*script), 1));
  }
  for (auto& script : both) {
    auto result = stage.wait(*script);
    stage.expect(script->name() + ": the step ends, and is not green",
                 result.state == process_state::complete
                   && result.exit_code != 0,
                 std::to_string(result.exit_code));
    expect_lines(stage, script->name(), result, {"begin"});
    stage.expect_gone(*script);
  }
}

void worker_killed(scenario_stage& stage) {
  if (!stage.start_worker())
    return;
  auto first = stage.worker_id();
  auto both = start_both(stage, "for i in $(seq 1 100); do\n  echo line $i\n"
                                "  sleep 0.1\ndone");
  for (auto& script : both)
    stage.expect(script->name() + ": lines arrive before the kill",
                 stage.sees(*script, "line 10"));
  stage.kill_worker();
  if (!stage.start_worker())
    return;
  stage.expect("another worker goes on", stage.worker_id() != first);
  for (auto& script : both) {
    auto result = stage.wait(*script);
    expect_code(stage, script->name(), result, 0);
    expect_lines(stage, script->name(), result, counted(100));
    stage.expect_gone(*script);
  }
}

void cancelled(scenario_stage& stage) {
  if (!stage.start_worker())
    return;
  auto both = start_both(stage, "echo begin\nsleep 600\necho never");
  for (auto& script : both) {
    stage.expect(script->name() + ": the script begins",
                 stage.sees(*script, "begin"));
    stage.cancel(*script);
  }
  for (auto& script : both) {
    auto& name = script->name();
    auto result = stage.wait(*script);
    stage.expect(name + ": the server reports the step cancelled",
                 result.cancelled);
    expect_code(stage, name, result, exit_cancelled);
    auto lines = own_lines(result);
    stage.expect(name + ": what it printed is there, what came later is not",
                 !lines.empty() && lines.front() == "begin"
                   && !has_part(result, "never"),
                 found_lines(lines));
    expect_count(stage, name, "StartScript was called once",
                 result.start_calls == 1, result.start_calls);
    expect_count(stage, name, "CancelScript was called",
                 result.cancel_calls >= 1, result.cancel_calls);
    expect_count(stage, name, "CompleteScript was called once",
                 result.complete_calls == 1, result.complete_calls);
    stage.expect_gone(*script);
  }
}

void platform(scenario_stage& stage) {
  if (!stage.start_worker())
    return;
  for (auto raw : {false, true}) {
    // (long enough to look at its pod)
    auto command = script_of("echo begin\nsleep 3\necho end", raw);
    command.platform = "linux-amd64";
    auto script = stage.start(raw ? "raw" : "normal", command);
    auto& name = script->name();
    stage.expect(name + ": the script runs", stage.sees(*script, "begin"));
    auto pod = stage.get("pods/" + stage.pod_name(*script));
    const auto terms
      = "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuring"
        "Execution/nodeSelectorTerms"_json_pointer;
    auto found = pod.is_object() && pod.contains(terms) ? pod[terms].dump()
                                                        : std::string{};
    auto part
      = [&](const char* text) { return found.find(text) != std::string::npos; };
    stage.expect(name + ": the pod asks for a node of linux and amd64",
                 part("kubernetes.io/os") && part("\"linux\"")
                   && part("kubernetes.io/arch") && part("\"amd64\""),
                 found);
    auto result = stage.wait(*script);
    stage.expect(name + ": the task log says so",
                 has_part(result, "Adding node affinity for platform "
                                  "'linux-amd64'."));
    expect_code(stage, name, result, 0);
  }
}

void unknown_platform(scenario_stage& stage) {
  if (!stage.start_worker())
    return;
  for (auto raw : {false, true}) {
    auto command = script_of("echo here all the same", raw);
    command.platform = "linux";
    auto script = stage.start(raw ? "raw" : "normal", command);
    auto result = stage.wait(*script);
    expect_code(stage, script->name(), result, 0);
    expect_lines(stage, script->name(), result, {"here all the same"});
    stage.expect(script->name() + ": the task log says what is wrong",
                 has_part(result, "Invalid platform affinity 'linux'. Expected "
                                  "format: '<os>-<arch>'."));
  }
}

void cluster_versions(scenario_stage& stage) {
  auto version = stage.cluster_version();
  if (!version.starts_with("v1.33.") && !version.starts_with("v1.34.")
      && !version.starts_with("v1.35."))
    stage.lacks("this cluster is " + version
                + ", the scenario asks for 1.33, 1.34 or 1.35");
  if (!stage.start_worker())
    return;
  auto said = [&](const std::string& event) {
    return stage.wait_until([&] {
      return stage.worker_log_text().find(' ' + event) != std::string::npos;
    });
  };
  stage.expect(version + ": pods are listed", said("pods-loaded"));
  stage.expect(version + ": pods are watched", said("cluster-watched"));
  auto script = stage.start("normal", script_of("for i in $(seq 1 10); do\n"
                                                "  echo line $i\ndone"));
  auto result = stage.wait(*script);
  expect_code(stage, version + ": a pod is created", result, 0);
  expect_lines(stage, version + ": its log is read", result, counted(10));
  stage.expect_gone(*script);
}

} // namespace cuttle::scenario_plays
