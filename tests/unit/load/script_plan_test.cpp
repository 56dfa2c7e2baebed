#include <array>
#include <cstdio>
#include <gtest/gtest.h>
#include <memory>
#include <unistd.h>

#include "infra/load/output_check.hpp"
#include "infra/load/script_plan.hpp"

namespace cuttle::load {

namespace {

using std::chrono::milliseconds;

// What bash makes of a script.
std::vector<std::string> run_by_bash(const std::string& text) {
  char name[] = "/tmp/cuttle-load-XXXXXX";
  auto file = mkstemp(name);
  EXPECT_EQ(write(file, text.data(), text.size()),
            static_cast<ssize_t>(text.size()));
  close(file);
  std::unique_ptr<FILE, int (*)(FILE*)> pipe{
    popen(("bash " + std::string{name}).c_str(), "r"), pclose};
  std::string out;
  std::array<char, 4096> buffer;
  while (auto n = fread(buffer.data(), 1, buffer.size(), pipe.get()))
    out.append(buffer.data(), n);
  unlink(name);
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < out.size();) {
    auto end = out.find('\n', at);
    lines.push_back(out.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

TEST(ScriptPlan, IsNamedByItsScript) {
  script_plan plan{12, 345, milliseconds{67}, milliseconds{8'901}};
  EXPECT_EQ(plan_of(script_text(plan)), plan);
  EXPECT_FALSE(plan_of("echo hello\n"));
  EXPECT_FALSE(plan_of("# cuttle-load lines=x bytes=1 every=1 sleep=1\n"));
}

TEST(ScriptPlan, IsWhatBashDoes) {
  script_plan plan{3, 5, milliseconds{1}, milliseconds{2}};
  auto before = wall_micros();
  auto lines = run_by_bash(script_text(plan));
  auto after = wall_micros();
  ASSERT_EQ(lines.size(), 5u);
  output_check check{3};
  for (auto& text : lines) {
    auto line = read_load_line(text);
    ASSERT_TRUE(line) << text;
    EXPECT_GE(line->printed, before);
    EXPECT_LE(line->printed, after);
    check.add(*line);
  }
  EXPECT_EQ(check.lost() + check.doubled() + check.disordered(), 0u);
  EXPECT_TRUE(lines[1].ends_with(" xxxxx")) << lines[1];
}

TEST(ScriptPlan, HasNoLoopWithoutLines) {
  auto lines = run_by_bash(script_text({0, 0, {}, {}}));
  EXPECT_EQ(lines.size(), 2u);
}

} // namespace

} // namespace cuttle::load
