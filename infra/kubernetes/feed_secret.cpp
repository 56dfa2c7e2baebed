#include <algorithm>
#include <curl/curl.h>
#include <memory>

#include "infra/kubernetes/digest.hpp"
#include "infra/kubernetes/manifest.hpp"
#include "infra/kubernetes/metadata.hpp"
#include "infra/kubernetes/pod_json.hpp"

namespace cuttle::kubernetes {

namespace {

/// Host of a feed's URL in lower case; the text itself when it is no URL.
std::string host_of(const std::string& url) {
  std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed{curl_url(),
                                                             &curl_url_cleanup};
  std::string result = url;
  if (parsed
      && curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(),
                      CURLU_DEFAULT_SCHEME | CURLU_NON_SUPPORT_SCHEME)
           == CURLUE_OK) {
    char* host = nullptr;
    if (curl_url_get(parsed.get(), CURLUPART_HOST, &host, 0) == CURLUE_OK) {
      result = host;
      curl_free(host);
    }
  }
  std::transform(result.begin(), result.end(), result.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return result;
}

bool has_credentials(const start_script& command) {
  return command.image && command.image->feed_url
         && command.image->feed_username;
}

} // namespace

std::optional<std::string> feed_secret_name(const start_script& command) {
  if (!has_credentials(command))
    return {};
  auto& image = *command.image;
  auto sum
    = base64(sha1(host_of(*image.feed_url) + ':' + *image.feed_username));
  std::string result = "octopus-feed-cred-";
  for (auto c : sum) {
    if (c == '/' || c == '+' || c == '=')
      continue;
    result += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return result;
}

std::string feed_docker_config(const start_script& command,
                               std::string_view existing) {
  auto config = json::parse(existing, nullptr, false);
  if (!config.is_object())
    config = json::object();
  auto& auths = config["auths"];
  if (!auths.is_object())
    auths = json::object();
  if (has_credentials(command)) {
    auto& image = *command.image;
    auto& user = *image.feed_username;
    auto password = image.feed_password.value_or("");
    auths[*image.feed_url] = {{"username", user},
                              {"password", password},
                              {"auth", base64(user + ':' + password)}};
  }
  return dump(config);
}

std::string make_feed_secret(const script_pod_settings& settings,
                             const start_script& command) {
  auto labels = json::object();
  auto annotations = json::object();
  add_helm_label(labels);
  add_helm_annotations(annotations, settings);
  json secret = {{"apiVersion", "v1"}, {"kind", "Secret"}};
  secret["metadata"] = {{"name", feed_secret_name(command).value_or("")},
                        {"namespace", settings.namespace_name},
                        {"labels", std::move(labels)},
                        {"annotations", std::move(annotations)}};
  if (settings.owner)
    secret["metadata"]["ownerReferences"] = owner_references(*settings.owner);
  secret["type"] = "kubernetes.io/dockerconfigjson";
  secret["data"]
    = {{".dockerconfigjson", base64(feed_docker_config(command, ""))}};
  return dump(secret);
}

} // namespace cuttle::kubernetes
