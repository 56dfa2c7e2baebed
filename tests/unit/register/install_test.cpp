// What the wizard prints: names of people survive every language, and secrets
// are where they should be.

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include "programs/cuttle/install_render.hpp"
#include "programs/cuttle/shell_quote.hpp"

namespace cuttle::test {

namespace {

namespace fs = std::filesystem;
using strings = std::vector<std::string>;

const strings hostile{
  "plain",         "two words",  "it's",        "\"quoted\"",
  "$HOME",         "`id`",       "$(id)",       "a;b|c&d",
  "a,b",           "{a,b}",      "back\\slash", "\\",
  "ends with \\",  "!history",   "*",           "~",
  "#comment",      "a=b",        "-n",          "--help",
  "%PATH%",        "${var}",     "%{if}",       "\xC3\xBC",
  "\xE2\x80\x99",  "new\nline",  "tab\there",   "true",
  "null",          "1e3",        "'\\''",       "a'b'c",
  "[1]",           "key: value", "<(id)",       "\xE2\x80\x98x'y",
  "{{ .Values }}", "a\\,b",      "}",           "@file"};

class PrivateFolder : public ::testing::Test {
protected:
  void SetUp() override {
    auto pattern = (fs::temp_directory_path() / "cuttle-wiz-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
  }

  void TearDown() override {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }

  std::string read(const fs::path& file) const {
    std::ifstream in{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

  // Runs a script with a helm in the way that writes down the arguments of all
  // its calls, each ended by NUL; files that it is given are replaced by their
  // content.
  strings helm_of(const std::string& script,
                  const std::string& shell = "bash") const {
    std::ofstream{folder / "helm"} << "#!/bin/bash\nfor a in \"$@\"; do\n"
                                      "  case $a in\n"
                                      "  *=/dev/fd/* | agent.*=/*/tmp*.tmp)\n"
                                      "    printf '%s=%s\\0' \"${a%%=*}\" "
                                      "\"$(cat \"${a#*=}\"; printf .)\" ;;\n"
                                      "  *) printf '%s\\0' \"$a\" ;;\n"
                                      "  esac\ndone >> '"
                                   << (folder / "arguments").string() << "'\n";
    fs::permissions(folder / "helm", fs::perms::owner_all);
    fs::remove(folder / "arguments");
    std::ofstream{folder / "script.ps1"} << script;
    auto command = "PATH='" + folder.string() + "':\"$PATH\" TMPDIR='"
                   + folder.string() + "' " + shell + " '"
                   + (folder / "script.ps1").string() + "'";
    EXPECT_EQ(std::system(command.c_str()), 0) << script;
    strings result;
    auto text = read(folder / "arguments");
    for (std::size_t at = 0; at < text.size();) {
      auto end = text.find('\0', at);
      result.push_back(text.substr(at, end - at));
      at = end + 1;
    }
    return result;
  }

  fs::path folder;
};

using Bash = PrivateFolder;

// Helm's own reading of `--set-string`, as its documentation has it: a
// backslash takes the next character as it is, a comma ends a value, braces
// around make a list.
strings helm_values(std::string_view text) {
  auto list = text.starts_with('{');
  if (list)
    text.remove_prefix(1);
  strings result{""};
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size())
      result.back() += text[++i];
    else if (text[i] == ',')
      result.emplace_back();
    else if (text[i] == '}' && list) {
      EXPECT_EQ(i + 1, text.size());
      return result;
    } else
      result.back() += text[i];
  }
  EXPECT_FALSE(list);
  return result;
}

// PowerShell's reading of a text in single quotes; nothing if it ends early.
std::optional<std::string> powershell_value(std::string_view text) {
  auto quote_at = [&](std::size_t i) -> std::size_t {
    if (text[i] == '\'')
      return 1;
    for (auto mark :
         {"\xE2\x80\x98", "\xE2\x80\x99", "\xE2\x80\x9A", "\xE2\x80\x9B"})
      if (text.substr(i).starts_with(mark))
        return 3;
    return 0;
  };
  if (!text.starts_with('\''))
    return std::nullopt;
  std::string result;
  for (std::size_t i = 1; i < text.size();) {
    auto size = quote_at(i);
    if (size == 0) {
      result += text[i++];
      continue;
    }
    auto next = i + size;
    if (next == text.size())
      return result;
    if (quote_at(next) == 0)
      return std::nullopt;
    // Two are one: PowerShell keeps the first.
    result += text.substr(i, size);
    i = next + quote_at(next);
  }
  return std::nullopt;
}

install_plan plan_with(const std::string& name) {
  install_plan plan;
  plan.release = "k8s";
  plan.namespace_name = "octopus-worker-k8s";
  plan.server_url = "https://octopus.example.com/";
  plan.space = name;
  plan.name = name;
  plan.pools = {name, "linux"};
  plan.policy = name;
  plan.comms = {"https://octopus.example.com:10943/"};
  plan.credential = "SECRET1 " + name;
  plan.proxy_host = "proxy";
  plan.proxy_password = "SECRET2";
  return plan;
}

} // namespace

TEST_F(Bash, ReadsEachQuotedTextAsItWas) {
  std::string script;
  for (auto& x : hostile)
    script += "helm " + bash_quoted(x) + "\n";
  for (auto& x : hostile)
    EXPECT_EQ(helm_of("helm " + bash_quoted(x) + "\n"), strings{x});
}

TEST_F(Bash, NamesAVersionOnlyOfAChartInARepository) {
  auto has_version = [&](const std::string& chart) {
    auto plan = plan_with("x");
    plan.chart = chart;
    auto from_shell = helm_of(render(plan, install_format::bash));
    auto direct = helm_arguments(plan, "values.yaml");
    EXPECT_EQ(from_shell.back(), chart);
    EXPECT_EQ(direct.back(), chart);
    auto named = [](const strings& x) {
      return std::find(x.begin(), x.end(), "--version") != x.end();
    };
    EXPECT_EQ(named(from_shell), named(direct));
    return named(direct);
  };
  EXPECT_TRUE(has_version("oci://registry.example.com/kubernetes-worker"));
  EXPECT_FALSE(has_version("charts/kubernetes-worker"));
}

TEST_F(Bash, GivesHelmEachValueAsItWas) {
  for (auto& name : hostile) {
    auto arguments = helm_of(render(plan_with(name), install_format::bash));
    ASSERT_GT(arguments.size(), 12u) << name;
    EXPECT_EQ(arguments[0], "upgrade");
    EXPECT_EQ(arguments[arguments.size() - 2], "k8s");
    EXPECT_EQ(arguments.back(), default_chart);
    std::map<std::string, std::string> values;
    for (std::size_t i = 0; i + 1 < arguments.size(); ++i)
      if (arguments[i].starts_with("--set")) {
        auto& x = arguments[i + 1];
        values[x.substr(0, x.find('='))] = x.substr(x.find('=') + 1);
      }
    EXPECT_EQ(helm_values(values["agent.name"]), strings{name});
    EXPECT_EQ(helm_values(values["agent.space"]), strings{name});
    EXPECT_EQ(helm_values(values["agent.machinePolicyName"]), strings{name});
    EXPECT_EQ(helm_values(values["agent.worker.initial.workerPools"]),
              (strings{name, "linux"}));
    EXPECT_EQ(values["agent.worker.enabled"], "true");
    EXPECT_EQ(values["agent.bearerToken"], "SECRET1 " + name + ".");
    EXPECT_EQ(values["agent.pollingProxy.password"], "SECRET2.");
  }
}

// The real one, where there is one: Debian has none, NuGet has it as a tool of
// .NET (CUTTLE_PWSH names it, if it is not in PATH).
class RealPowerShell : public PrivateFolder {
protected:
  void SetUp() override {
    PrivateFolder::SetUp();
    if (auto* named = std::getenv("CUTTLE_PWSH"))
      shell_ = named;
    auto there = "command -v '" + shell_ + "' > /dev/null";
    if (std::system(there.c_str()) != 0)
      GTEST_SKIP() << "there is no pwsh";
    shell_ = "'" + shell_ + "' -NoProfile -NonInteractive -File";
  }

  std::string shell_ = "pwsh";
};

TEST_F(RealPowerShell, ReadsEachQuotedTextAsItWas) {
  std::string script;
  for (auto& x : hostile)
    script += "helm " + powershell_quoted(x) + "\n";
  EXPECT_EQ(helm_of(script, shell_), hostile);
}

TEST_F(RealPowerShell, GivesHelmEachValueAsItWas) {
  std::string script;
  for (auto& name : hostile)
    script += render(plan_with(name), install_format::powershell) + "\n";
  auto arguments = helm_of(script, shell_);
  std::size_t at = 0;
  for (auto& name : hostile) {
    SCOPED_TRACE(name);
    auto end = std::find(arguments.begin() + static_cast<long>(at) + 1,
                         arguments.end(), "upgrade");
    std::map<std::string, std::string> values;
    strings call{arguments.begin() + static_cast<long>(at), end};
    at = static_cast<std::size_t>(end - arguments.begin());
    ASSERT_GT(call.size(), 12u);
    EXPECT_EQ(call[0], "upgrade");
    EXPECT_EQ(call[call.size() - 2], "k8s");
    EXPECT_EQ(call.back(), default_chart);
    for (std::size_t i = 0; i + 1 < call.size(); ++i)
      if (call[i].starts_with("--set")) {
        auto& x = call[i + 1];
        values[x.substr(0, x.find('='))] = x.substr(x.find('=') + 1);
      }
    EXPECT_EQ(helm_values(values["agent.name"]), strings{name});
    EXPECT_EQ(helm_values(values["agent.worker.initial.workerPools"]),
              (strings{name, "linux"}));
    EXPECT_EQ(values["agent.bearerToken"], "SECRET1 " + name + ".");
    EXPECT_EQ(values["agent.pollingProxy.password"], "SECRET2.");
  }
  EXPECT_EQ(at, arguments.size());
  for (auto& entry : fs::directory_iterator{folder})
    EXPECT_NE(entry.path().extension(), ".tmp") << "a secret is left";
}

TEST(PowerShell, ReadsEachQuotedTextAsItWas) {
  for (auto& x : hostile)
    EXPECT_EQ(powershell_value(powershell_quoted(x)), x);
}

TEST(PowerShell, GetsSecretsInFilesOnly) {
  auto text = render(plan_with("x"), install_format::powershell);
  EXPECT_NE(text.find("New-TemporaryFile"), std::string::npos);
  auto command = text.substr(text.find("helm upgrade"));
  EXPECT_EQ(command.find("SECRET"), std::string::npos);
  EXPECT_NE(command.find("Remove-Item $secret2"), std::string::npos);
}

TEST(Terraform, ReadsEachQuotedTextAsItWas) {
  EXPECT_EQ(hcl_quoted("a\"b\\c"), "\"a\\\"b\\\\c\"");
  EXPECT_EQ(hcl_quoted("${x} %{y} $x"), "\"$${x} %%{y} $x\"");
  EXPECT_EQ(hcl_quoted("a\nb\x01"), "\"a\\nb\\u0001\"");
}

TEST(Values, KeepEachTextAsAText) {
  for (auto& name : hostile) {
    auto document = YAML::Load(render(plan_with(name), install_format::values));
    auto agent = document["agent"];
    EXPECT_EQ(agent["name"].as<std::string>(), name);
    // In quotes, so that nothing is taken for a number or a boolean.
    EXPECT_EQ(agent["name"].Tag(), "!");
    EXPECT_EQ(agent["worker"]["initial"]["workerPools"][0].as<std::string>(),
              name);
    EXPECT_TRUE(agent["worker"]["enabled"].as<bool>());
    EXPECT_EQ(agent["worker"]["enabled"].Tag(), "?");
    EXPECT_EQ(agent["bearerToken"].as<std::string>(), "SECRET1 " + name);
    EXPECT_EQ(agent["pollingProxy"]["port"].as<int>(), 80);
  }
}

TEST(Documents, ForRepositoriesHoldNoSecret) {
  for (auto format : {"terraform", "flux", "argocd"}) {
    auto text = render(plan_with("x"), *format_of(format));
    EXPECT_EQ(text.find("SECRET"), std::string::npos) << format;
    EXPECT_NE(text.find("octopus.example.com:10943"), std::string::npos);
  }
  auto published = plan_with("x");
  published.chart = "oci://registry.example.com/cuttle/kubernetes-worker";
  auto flux = YAML::LoadAll(render(published, install_format::flux));
  ASSERT_EQ(flux.size(), 3u);
  EXPECT_EQ(flux[1]["spec"]["url"].as<std::string>(),
            "oci://registry.example.com/cuttle");
  auto values = flux[2]["spec"]["values"];
  EXPECT_EQ(values["agent"]["bearerTokenSecretName"].as<std::string>(),
            "k8s-octopus-auth");
  auto argo = YAML::Load(render(published, install_format::argocd));
  EXPECT_EQ(argo["spec"]["source"]["repoURL"].as<std::string>(),
            "registry.example.com/cuttle");
  EXPECT_EQ(argo["spec"]["source"]["chart"].as<std::string>(),
            "kubernetes-worker");
}

TEST(Releases, AreNamedAsThePortalDoesIt) {
  EXPECT_EQ(slug_of("Local Kubernetes Agent Setup"),
            "localkubernetesagentsetup");
  EXPECT_EQ(slug_of("--a_b--"), "ab");
  EXPECT_EQ(slug_of("\xC3\xBC!"), "worker");
  for (auto& x : hostile) {
    EXPECT_TRUE(is_dns_label(slug_of(x), 53)) << x;
    EXPECT_TRUE(is_dns_label(namespace_for(slug_of(x))));
  }
  EXPECT_TRUE(is_dns_label(namespace_for(slug_of(std::string(200, 'x')))));
}

TEST(PollingAddresses, AreProposedForCloudAndSelfHosted) {
  EXPECT_EQ(*polling_address_of("https://acme.octopus.app"),
            "https://polling.acme.octopus.app/");
  EXPECT_EQ(*polling_address_of("http://octopus:8080/x"),
            "https://octopus:10943/");
  EXPECT_EQ(*polling_address_of("https://[::1]"), "https://[::1]:10943/");
}

} // namespace cuttle::test
