#include "tests/program/worker_program.hpp"

#include <curl/curl.h>
#include <sstream>

#include "tests/folders.hpp"

namespace cuttle::test {

namespace {

std::map<std::string, std::string>
environment_of(test_cluster& cluster, const std::filesystem::path& home,
               const std::map<std::string, std::string>& more) {
  auto result = cluster.environment();
  auto image = cluster.image();
  auto colon = image.rfind(':');
  result["OCTOPUS__K8STENTACLE__SCRIPTPODIMAGE"] = image.substr(0, colon);
  result["OCTOPUS__K8STENTACLE__SCRIPTPODIMAGETAG"] = image.substr(colon + 1);
  result["OCTOPUS__K8STENTACLE__SCRIPTPODPULLPOLICY"] = "IfNotPresent";
  result["BOOTSTRAPRUNNEREXECUTABLEDIRECTORY"] = runner_folder();
  result["TentacleHome"] = home.string();
  result["TentaclePollingConnectionCount"] = "3";
  result["CUTTLE_HTTP_BIND"] = "127.0.0.1";
  result["CUTTLE_HTTP_PORT"] = "0";
  for (auto& [name, value] : more)
    result[name] = value;
  return result;
}

std::size_t append(char* data, std::size_t size, std::size_t count,
                   void* target) {
  static_cast<std::string*>(target)->append(data, size * count);
  return size * count;
}

} // namespace

worker_program::worker_program(test_cluster& cluster,
                               const std::filesystem::path& home,
                               const std::filesystem::path& log,
                               const std::map<std::string, std::string>& more)
  : process_({cuttle_program(), "run", "--kubeconfig",
              cluster.worker_kubeconfig().string()},
             environment_of(cluster, home, more), log) {}

bool worker_program::logged(const std::string& event,
                            const std::string& text) const {
  std::istringstream lines{process_.output()};
  for (std::string line; std::getline(lines, line);)
    if (line.find(" " + event) != std::string::npos
        && line.find(text) != std::string::npos)
      return true;
  return false;
}

std::pair<long, std::string> worker_program::get(const std::string& path) {
  std::string port;
  auto found = eventually([&] {
    auto log = process_.output();
    auto at = log.rfind("probes-listening port=");
    if (at == std::string::npos || log.find('\n', at) == std::string::npos)
      return false;
    port = log.substr(at + 22, log.find('\n', at) - at - 22);
    return true;
  });
  if (!found)
    return {0, "the worker does not say its port"};
  std::string body;
  long status = 0;
  auto* handle = curl_easy_init();
  auto url = "http://127.0.0.1:" + port + path;
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_TIMEOUT, 10L);
  curl_easy_setopt(handle, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &body);
  curl_easy_perform(handle);
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_cleanup(handle);
  return {status, body};
}

} // namespace cuttle::test
