#include "client.hpp"

#include <curl/curl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

#include "infra/crypto/cipher.hpp"

namespace cuttle::sim::test {

namespace {

std::string read_file(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

std::string value_of(const std::string& text, const std::string& key) {
  auto at = text.find(key + ": ");
  if (at == text.npos)
    return {};
  at += key.size() + 2;
  return text.substr(at, text.find('\n', at) - at);
}

/// A handle with everything that all requests share.
class easy {
public:
  easy(const api_access& where, const std::string& path) {
    static const auto ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    (void)ready;
    handle_ = curl_easy_init();
    curl_blob blob{const_cast<char*>(where.ca_pem.data()), where.ca_pem.size(),
                   CURL_BLOB_COPY};
    curl_easy_setopt(handle_, CURLOPT_CAINFO_BLOB, &blob);
    curl_easy_setopt(handle_, CURLOPT_URL, (where.server + path).c_str());
    curl_easy_setopt(handle_, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle_, CURLOPT_NOPROXY, "*");
    if (!where.token.empty())
      header("Authorization: Bearer " + where.token);
  }

  ~easy() {
    curl_slist_free_all(headers_);
    curl_easy_cleanup(handle_);
  }

  easy(const easy&) = delete;
  easy& operator=(const easy&) = delete;

  void header(const std::string& line) {
    headers_ = curl_slist_append(headers_, line.c_str());
  }

  CURLcode perform() {
    curl_easy_setopt(handle_, CURLOPT_HTTPHEADER, headers_);
    return curl_easy_perform(handle_);
  }

  CURL* get() const {
    return handle_;
  }

private:
  CURL* handle_ = nullptr;
  curl_slist* headers_ = nullptr;
};

std::size_t append(char* data, std::size_t, std::size_t size, void* out) {
  static_cast<std::string*>(out)->append(data, size);
  return size;
}

std::size_t note_header(char* data, std::size_t, std::size_t size, void* out) {
  std::string line{data, size};
  auto colon = line.find(": ");
  if (colon != line.npos)
    (*static_cast<std::map<std::string, std::string>*>(
      out))[line.substr(0, colon)]
      = line.substr(colon + 2, line.find('\r') - colon - 2);
  return size;
}

} // namespace

api_access::api_access(const embedded_cluster& cluster)
  : space(cluster.namespace_name()) {
  auto config = read_file(cluster.kubeconfig());
  server = value_of(config, "server");
  token = read_file(value_of(config, "tokenFile"));
  auto pem = crypto::from_base64(value_of(config, "certificate-authority-"
                                                  "data"));
  if (pem)
    ca_pem.assign(pem->begin(), pem->end());
}

response call(const api_access& where, const std::string& method,
              const std::string& path, const std::string& body,
              const std::string& content_type) {
  response result;
  easy request{where, path};
  auto* handle = request.get();
  curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, method.c_str());
  curl_easy_setopt(handle, CURLOPT_TIMEOUT, patience.count());
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &append);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &result.body);
  curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &note_header);
  curl_easy_setopt(handle, CURLOPT_HEADERDATA, &result.headers);
  if (!body.empty()) {
    request.header("Content-Type: " + content_type);
    request.header("Expect:");
    curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE,
                     static_cast<long>(body.size()));
    curl_easy_setopt(handle, CURLOPT_POSTFIELDS, body.c_str());
  }
  if (request.perform() == CURLE_OK)
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &result.status);
  return result;
}

std::size_t stream::on_data(char* data, std::size_t, std::size_t size,
                            void* self) {
  auto& me = *static_cast<stream*>(self);
  std::unique_lock lock{me.mutex_};
  me.changed_.wait(lock, [&] { return !me.held_ || me.stop_; });
  me.text_.append(data, size);
  me.changed_.notify_all();
  return me.stop_ ? 0 : size;
}

std::size_t stream::on_header(char*, std::size_t, std::size_t size,
                              void* self) {
  auto& me = *static_cast<stream*>(self);
  std::lock_guard lock{me.mutex_};
  me.begun_ = true;
  me.changed_.notify_all();
  return size;
}

int stream::on_progress(void* self, long, long, long, long) {
  auto& me = *static_cast<stream*>(self);
  std::lock_guard lock{me.mutex_};
  return me.stop_ ? 1 : 0;
}

stream::stream(api_access where, const std::string& path, bool held)
  : held_(held) {
  thread_ = std::thread{[this, where = std::move(where), path] {
    easy request{where, path};
    auto* handle = request.get();
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &on_data);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, &on_header);
    curl_easy_setopt(handle, CURLOPT_HEADERDATA, this);
    curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, &on_progress);
    curl_easy_setopt(handle, CURLOPT_XFERINFODATA, this);
    curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L);
    auto done = request.perform();
    std::lock_guard lock{mutex_};
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status_);
    complete_ = done == CURLE_OK;
    ended_ = true;
    changed_.notify_all();
  }};
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, patience, [&] { return begun_ || ended_; });
}

stream::~stream() {
  {
    std::lock_guard lock{mutex_};
    stop_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

bool stream::wait(const std::function<bool(const std::string&)>& fits) {
  std::unique_lock lock{mutex_};
  bool good = false;
  changed_.wait_for(lock, patience, [&] {
    good = fits(text_);
    return good || ended_;
  });
  return good;
}

bool stream::wait_end() {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, patience, [&] { return ended_; });
}

bool stream::complete() const {
  std::lock_guard lock{mutex_};
  return complete_;
}

long stream::status() const {
  std::lock_guard lock{mutex_};
  return status_;
}

std::string stream::text() const {
  std::lock_guard lock{mutex_};
  return text_;
}

void stream::release() {
  std::lock_guard lock{mutex_};
  held_ = false;
  changed_.notify_all();
}

watch::watch(const api_access& where, const std::string& resource,
             const std::string& query)
  : stream_(where, where.path(resource) + "?watch=true&" + query) {}

nlohmann::json
watch::until(const std::function<bool(const nlohmann::json&)>& fits) {
  nlohmann::json result;
  std::size_t done = 0;
  stream_.wait([&](const std::string& text) {
    for (auto end = text.find('\n', done); end != text.npos;
         end = text.find('\n', done)) {
      auto event
        = nlohmann::json::parse(text.substr(done, end - done), nullptr, false);
      done = end + 1;
      if (!event.is_discarded() && fits(event)) {
        result = std::move(event);
        return true;
      }
    }
    return false;
  });
  return result;
}

nlohmann::json
watch::pod(const std::string& name,
           const std::function<bool(const nlohmann::json&)>& fits) {
  auto event = until([&](const nlohmann::json& x) {
    return x["type"] != "BOOKMARK" && x["object"]["metadata"]["name"] == name
           && fits(x["object"]);
  });
  return event.is_null() ? event : event["object"];
}

std::vector<nlohmann::json> watch::events() const {
  std::vector<nlohmann::json> result;
  auto text = stream_.text();
  std::size_t done = 0;
  for (auto end = text.find('\n'); end != text.npos;
       end = text.find('\n', done)) {
    result.push_back(nlohmann::json::parse(text.substr(done, end - done)));
    done = end + 1;
  }
  return result;
}

nlohmann::json script_pod(const std::string& name, const std::string& script) {
  return {
    {"apiVersion", "v1"},
    {"kind", "Pod"},
    {"metadata",
     {{"name", name},
      {"labels",
       {{"octopus.com/scriptTicketId", name},
        {"octopus.com/serverTaskId", "ServerTasks-1"}}}}},
    {"spec",
     {{"restartPolicy", "Never"},
      {"terminationGracePeriodSeconds", 20},
      {"containers", nlohmann::json::array(
                       {{{"name", name},
                         {"image", "worker-tools:test"},
                         {"command", nlohmann::json::array({"sh"})},
                         {"args", nlohmann::json::array({"-c", script})}}})}}}};
}

nlohmann::json create(const api_access& where, const nlohmann::json& pod) {
  auto made = call(where, "POST", where.path("pods"), pod.dump());
  EXPECT_EQ(made.status, 201) << made.body;
  return made.json();
}

nlohmann::json state(const nlohmann::json& pod, const std::string& name) {
  for (const auto& container :
       pod["status"].value("containerStatuses", nlohmann::json::array()))
    if (container["name"] == pod["metadata"]["name"]
        && container["state"].contains(name))
      return container["state"][name];
  return nullptr;
}

bool in_phase(const nlohmann::json& pod, const std::string& phase) {
  return pod["status"]["phase"] == phase;
}

embedded_cluster::options quick() {
  embedded_cluster::options result;
  result.schedule_delay = std::chrono::milliseconds{0};
  result.pull_delay = std::chrono::milliseconds{0};
  result.pull_back_off = std::chrono::milliseconds{20};
  result.bookmark_interval = std::chrono::milliseconds{50};
  return result;
}

running::running(embedded_cluster::options options)
  : cluster(std::move(options)), port(cluster.start().value_or(0)),
    at(cluster) {}

} // namespace cuttle::sim::test
