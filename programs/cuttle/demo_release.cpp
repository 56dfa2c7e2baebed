#include "programs/cuttle/demo_release.hpp"

#include <algorithm>

namespace cuttle {

namespace {

demo_step acquire(const std::string& package, const std::string& sha1) {
  demo_step step;
  step.name = "Acquire package";
  step.arguments = {package, sha1};
  step.body = R"sh(set -e
echo "Package $(basename "$1") came with the deployment:"
cat "$1"
found=$(sha1sum "$1" | cut -d ' ' -f 1)
if [ "$found" != "$2" ]; then
  echo "SHA-1 is $found, expected $2" >&2
  exit 1
fi
echo "SHA-1 $found is as announced"
)sh";
  step.expected_line = "SHA-1 " + sha1 + " is as announced";
  return step;
}

demo_step deploy(const std::string& region, int instances) {
  demo_step step;
  step.name = "Deploy web to " + region;
  step.arguments = {region, std::to_string(instances)};
  step.body = R"sh(set -e
echo "Rolling out web 1.4.2 to $1, $2 instances"
for i in $(seq 1 "$2"); do
  sleep 0.4
  echo "instance $i of $2 is healthy"
done
echo "##octopus[stdout-verbose]"
echo "kubelet says: pod $(hostname), directory $(pwd)"
echo "##octopus[stdout-default]"
echo "$1 serves web 1.4.2"
)sh";
  step.expected_line = region + " serves web 1.4.2";
  return step;
}

demo_step migrate(const std::string& image) {
  demo_step step;
  step.name = "Migrate database";
  step.image = image;
  step.body = R"sh(echo "0042_add_index.sql ... done"
echo "0043_drop_column.sql ... done"
echo "##octopus[stdout-warning]"
echo "0043 can not be rolled back"
echo "##octopus[stdout-default]"
echo "The schema is at version 43"
)sh";
  step.expected_line = "The schema is at version 43";
  return step;
}

demo_step smoke_test() {
  demo_step step;
  step.name = "Smoke test (fails)";
  step.body = R"sh(echo "GET /healthz ... 200"
echo "GET /checkout ... 502" >&2
echo "2 checks, 1 failed" >&2
exit 3
)sh";
  step.expected_exit = 3;
  step.expected_line = "2 checks, 1 failed";
  return step;
}

demo_step soak() {
  demo_step step;
  step.name = "Soak test (cancelled)";
  step.body = R"sh(echo "Soak test runs for one hour"
sleep 3600
echo "never printed"
)sh";
  step.expected_line = "Soak test runs for one hour";
  step.expected_exit = exit_cancelled;
  step.cancelled = true;
  return step;
}

bool has_line(const std::vector<output_line>& lines, const std::string& text) {
  return std::any_of(lines.begin(), lines.end(),
                     [&](const output_line& x) { return x.text == text; });
}

} // namespace

std::vector<demo_stage> make_demo_release(const std::string& package,
                                          const std::string& package_sha1,
                                          const std::string& custom_image) {
  return {
    {"Acquire", {acquire(package, package_sha1)}},
    {"Deploy, three lanes side by side",
     {deploy("eu-west", 4), deploy("us-east", 3), deploy("ap-south", 2)}},
    {"Migrate, in the container that the step names", {migrate(custom_image)}},
    {"Verify, with one step that fails and one that is cancelled",
     {smoke_test(), soak()}},
  };
}

std::string judge_step(const demo_step& step, bool cancelled,
                       std::int32_t exit_code, const failure& trouble,
                       const std::vector<output_line>& lines) {
  if (trouble.code != errc::none
      && !(step.cancelled && trouble.code == errc::cancelled))
    return "The server gave up: " + trouble.text;
  if (cancelled != step.cancelled)
    return cancelled ? "The step was cancelled."
                     : "The step was not cancelled.";
  if (exit_code != step.expected_exit)
    return "The exit code is " + std::to_string(exit_code) + ", not "
           + std::to_string(step.expected_exit) + ".";
  if (!has_line(lines, step.expected_line))
    return "The task log lacks the line '" + step.expected_line + "'.";
  if (has_line(lines, "never printed"))
    return "The script went on after its cancellation.";
  return {};
}

} // namespace cuttle
