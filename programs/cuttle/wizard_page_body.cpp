#include "programs/cuttle/wizard_page_body.hpp"

namespace cuttle {

using nlohmann::json;

namespace {

constexpr std::size_t max_items = 100;

} // namespace

std::string text_of(const json& body, const char* key) {
  auto found = body.find(key);
  return found != body.end() && found->is_string() ? found->get<std::string>()
                                                   : std::string{};
}

bool flag_of(const json& body, const char* key) {
  auto found = body.find(key);
  return found != body.end() && found->is_boolean() && found->get<bool>();
}

std::vector<std::string> texts_of(const json& body, const char* key) {
  std::vector<std::string> result;
  auto found = body.find(key);
  if (found == body.end() || !found->is_array())
    return result;
  for (auto& x : *found)
    if (x.is_string() && result.size() < max_items)
      result.push_back(x.get<std::string>());
  return result;
}

} // namespace cuttle
