#include "infra/kubernetes/paths.hpp"

#include "infra/kubernetes/rfc3339.hpp"

namespace cuttle::kubernetes {

namespace {

/// Objects in one page of a list; bounds the memory that a page needs.
constexpr auto page_limit = "500";

} // namespace

std::string url_escaped(std::string_view text) {
  static constexpr std::string_view hex = "0123456789ABCDEF";
  std::string result;
  for (auto c : text) {
    auto byte = static_cast<unsigned char>(c);
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
        || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_'
        || c == '~') {
      result += c;
    } else {
      result += '%';
      result += hex[byte >> 4];
      result += hex[byte & 15];
    }
  }
  return result;
}

std::string object_path(std::string_view namespace_name,
                        std::string_view resource, std::string_view name) {
  auto result = "/api/v1/namespaces/" + url_escaped(namespace_name) + '/'
                + url_escaped(resource);
  if (!name.empty())
    result += '/' + url_escaped(name);
  return result;
}

std::string log_path(std::string_view namespace_name, const log_query& query) {
  auto result = object_path(namespace_name, "pods", query.pod)
                + "/log?container=" + url_escaped(query.container)
                + "&timestamps=true&follow=true";
  if (query.since)
    result += "&sinceTime=" + url_escaped(format_seconds(*query.since));
  return result;
}

std::string list_query(std::string_view selector, std::string_view next) {
  auto result = '?' + std::string{selector} + "&limit=" + page_limit;
  if (!next.empty())
    result += "&continue=" + url_escaped(next);
  return result;
}

std::string watch_query(std::string_view selector, std::string_view version,
                        std::chrono::seconds timeout) {
  return '?' + std::string{selector}
         + "&watch=true&allowWatchBookmarks=true&resourceVersion="
         + url_escaped(version)
         + "&timeoutSeconds=" + std::to_string(timeout.count());
}

} // namespace cuttle::kubernetes
