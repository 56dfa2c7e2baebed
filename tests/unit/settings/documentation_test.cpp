#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <sstream>

#include "support.hpp"
#include "tests/folders.hpp"

namespace cuttle::settings {

namespace {

std::string documentation() {
  std::ifstream file{docs_folder() + "/settings.md"};
  EXPECT_TRUE(file);
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

} // namespace

TEST(Documentation, HasEveryVariableThatIsRead) {
  std::set<std::string> names;
  read_environment([&](const std::string& name) -> std::optional<std::string> {
    names.insert(name);
    return std::nullopt;
  });
  EXPECT_GT(names.size(), 40u);
  auto text = documentation();
  for (auto& name : names) {
    auto shown = name;
    if (shown.starts_with(test::prefix))
      shown = "P " + shown.substr(std::string{test::prefix}.size());
    EXPECT_NE(text.find("`" + shown + "`"), std::string::npos) << shown;
  }
}

} // namespace cuttle::settings
