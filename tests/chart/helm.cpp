#include "tests/chart/helm.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <unistd.h>

#include "tests/program/process.hpp"

namespace cuttle::test {

namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

std::string variable(const char* name) {
  auto* value = std::getenv(name);
  return value ? value : "";
}

bool runnable(const std::string& path) {
  return access(path.c_str(), X_OK) == 0;
}

std::string content(const fs::path& path) {
  std::ifstream file{path};
  std::ostringstream out;
  out << file.rdbuf();
  return out.str();
}

// A folder for one run of helm, removed with it.
class scratch {
public:
  scratch() {
    auto pattern = (fs::temp_directory_path() / "cuttle-chart-XXXXXX").string();
    if (!mkdtemp(pattern.data()))
      throw std::runtime_error{"no folder for helm below "
                               + fs::temp_directory_path().string()};
    path_ = pattern;
  }

  ~scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;

  fs::path operator/(const char* name) const {
    return path_ / name;
  }

private:
  fs::path path_;
};

} // namespace

const json* rendering::find(const std::string& kind,
                            const std::string& name) const {
  for (auto& object : objects)
    if (object["kind"] == kind && object["metadata"]["name"] == name)
      return &object;
  return nullptr;
}

std::optional<std::string> find_helm(const std::string& name) {
  auto chosen = variable(name == "helm4" ? "CUTTLE_HELM4" : "CUTTLE_HELM");
  if (!chosen.empty())
    return chosen;
  auto cache = variable("CLUSTER_CACHE");
  if (cache.empty())
    cache = variable("HOME") + "/.cache/cuttle-e2e";
  if (auto own = cache + "/bin/" + name; runnable(own))
    return own;
  std::istringstream path{variable("PATH")};
  for (std::string folder; std::getline(path, folder, ':');)
    if (auto own = folder + "/" + name; runnable(own))
      return own;
  return std::nullopt;
}

std::vector<std::string> find_helms() {
  std::vector<std::string> result;
  for (auto name : {"helm", "helm4"}) {
    auto found = find_helm(name);
    if (found)
      result.push_back(*found);
    else if (!variable("CUTTLE_NEED_HELM").empty())
      ADD_FAILURE() << "there is no " << name
                    << ", although CUTTLE_NEED_HELM is set";
  }
  return result;
}

rendering render(const render_options& options) {
  auto helm = options.helm.empty() ? find_helm() : std::optional{options.helm};
  if (!helm)
    throw std::runtime_error{"there is no helm"};
  scratch folder;
  std::ofstream{folder / "values.json"} << options.values;
  // The shell keeps helm's warnings out of what it renders.
  std::vector<std::string> command{"/bin/sh",
                                   "-c",
                                   "exec \"$@\" 2>\"$0\"",
                                   (folder / "trouble").string(),
                                   *helm,
                                   "template",
                                   options.release,
                                   options.chart,
                                   "--namespace",
                                   options.name_space,
                                   "--values",
                                   (folder / "values.json").string()};
  command.insert(command.end(), options.more.begin(), options.more.end());
  process child{command,
                {{"HOME", (folder / "home").string()},
                 {"HELM_CACHE_HOME", (folder / "home").string()},
                 {"HELM_CONFIG_HOME", (folder / "home").string()},
                 {"HELM_DATA_HOME", (folder / "home").string()}},
                folder / "out"};
  auto code = child.wait(60s);
  rendering result;
  result.ok = code == 0;
  result.text = child.output();
  result.trouble = content(folder / "trouble");
  if (!code)
    result.trouble += "helm did not end within 60 s";
  if (result.ok)
    result.objects = documents(result.text);
  return result;
}

void Chart::SetUp() {
  if (find_helm())
    return;
  if (!variable("CUTTLE_NEED_HELM").empty())
    FAIL() << "there is no helm, although CUTTLE_NEED_HELM is set";
  GTEST_SKIP() << "there is no helm; ./dev e2e installs one and runs this test";
}

} // namespace cuttle::test
