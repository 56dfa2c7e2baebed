// Whether what tools/install-libraries made can be linked here: one call into
// each archive.

#include <bson/bson.h>
#include <curl/curl.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <simdjson.h>
#include <stdexcept>
#include <yaml-cpp/yaml.h>

int main() {
  bson_t document;
  bson_init(&document);
  bson_destroy(&document);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  auto* easy = curl_easy_init();
  auto bad = curl_easy_perform(easy) == CURLE_OK;
  curl_easy_cleanup(easy);
  prometheus::Registry metrics;
  bad
    = bad || !prometheus::TextSerializer{}.Serialize(metrics.Collect()).empty();
  simdjson::dom::parser parser;
  bad = bad || parser.parse(std::string{"{}"}).error() != simdjson::SUCCESS;
  try {
    YAML::Load("{");
  } catch (const std::exception&) {
    return bad ? 1 : 0;
  }
  return 1;
}
