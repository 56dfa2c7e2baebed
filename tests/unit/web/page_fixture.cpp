#include "page_fixture.hpp"

#include <cstdlib>
#include <fstream>

#include "infra/octopus/http_client.hpp"

namespace cuttle::test {

namespace {

using namespace std::chrono_literals;

void write_program(const std::filesystem::path& file, const std::string& text) {
  std::ofstream{file} << "#!/bin/sh\n" << text << "\n";
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
}

} // namespace

void WizardPage::SetUp() {
  Registration::SetUp();
  env.clear();
  it.ca_file = options.ca_file;
  std::filesystem::create_directory(folder / "bin");
  write_program(folder / "bin" / "kubectl", "echo test-cluster");
  make_helm("exit 0");
  it.helm = (folder / "helm").string();
  it.timeout = 60s;
  path_ = std::getenv("PATH");
  // (before there is a thread that might look)
  setenv("PATH", ((folder / "bin").string() + ":" + path_).c_str(), 1);
}

void WizardPage::TearDown() {
  web.reset();
  setenv("PATH", path_.c_str(), 1);
  Registration::TearDown();
}

void WizardPage::make_helm(const std::string& end) {
  write_program(folder / "helm",
                "printf '%s\\n' \"$@\" > '" + (folder / "args").string()
                  + "'\necho 'Release \"x\" does not exist.'\n" + end);
}

void WizardPage::start() {
  web = std::make_unique<wizard_web>(it, environment());
  auto started = web->start();
  ASSERT_TRUE(started) << started.error().text;
}

std::vector<std::string> WizardPage::headers(const std::string& page) const {
  return {"Origin: http://127.0.0.1:" + std::to_string(web->port()),
          "X-Cuttle-Token: " + web->token(), "X-Cuttle-Page: " + page};
}

WizardPage::reply WizardPage::send(const std::string& name,
                                   const std::string& body,
                                   std::vector<std::string> with) {
  octopus::http_client client{{}};
  octopus::http_request request;
  request.method = "POST";
  request.url
    = "http://127.0.0.1:" + std::to_string(web->port()) + "/api/" + name;
  request.body = body;
  request.headers = std::move(with);
  auto result = client.send(request, 60s);
  EXPECT_EQ(result.curl_code, 0) << result.detail;
  EXPECT_EQ(result.body.find("API-ADMIN"), std::string::npos) << result.body;
  return {result.status, json::parse(result.body, nullptr, false)};
}

WizardPage::reply WizardPage::call(const std::string& name, const json& body) {
  return send(name, body.dump(), headers());
}

void WizardPage::fill_in(const std::string& name) {
  const std::vector<std::pair<std::string, json>> answers{
    {"open", json::object()},
    {"sign-in",
     {{"server", rest->url()}, {"kind", "key"}, {"secret", "API-ADMIN"}}},
    {"space", {{"space", "Default"}}},
    {"name", {{"name", name}}},
    {"pools", {{"pools", {"Default Worker Pool"}}}},
    {"policy", {{"policy", ""}}},
    {"comms",
     {{"comms", {"https://127.0.0.1:" + std::to_string(rest->port()) + "/"}},
      {"ask", true}}},
    {"place", {{"release", "mine"}, {"namespace", "mine-ns"}, {"ask", true}}},
    {"storage", {{"storageClass", "fast.ssd"}}},
    {"credential", json::object()},
    {"chart", {{"chart", "oci://r.example/c/w"}, {"chartVersion", "3.*.*"}}},
  };
  for (auto& [what, body] : answers) {
    auto answer = call(what, body);
    ASSERT_EQ(answer.status, 200) << what << answer.body;
    ASSERT_EQ(answer.body["ok"], true) << what << answer.body;
  }
}

nlohmann::json WizardPage::follow() {
  for (std::uint64_t after = 0;;) {
    auto news = call("progress", {{"after", after}});
    EXPECT_EQ(news.status, 200) << news.body;
    if (news.status != 200)
      return {};
    for (auto& x : news.body["lines"])
      lines += x.get<std::string>() + "\n";
    after = news.body["revision"].get<std::uint64_t>();
    if (news.body["ended"] == true)
      return news.body;
  }
}

} // namespace cuttle::test
