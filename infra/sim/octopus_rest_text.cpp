#include "infra/sim/octopus_rest_text.hpp"

namespace cuttle::sim {

using nlohmann::json;

rest_reply rest_document(int status, const json& body) {
  rest_reply result;
  result.status = status;
  result.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
  return result;
}

rest_reply rest_refusal(int status, const std::string& message,
                        std::vector<std::string> errors) {
  return rest_document(status, {{"ErrorMessage", message},
                                {"Errors", std::move(errors)},
                                {"HelpText", ""},
                                {"Details", json::object()},
                                {"FullException", nullptr}});
}

rest_reply rest_missing(const std::string& what) {
  return rest_refusal(404, "The resource '" + what + "' was not found.");
}

std::string rest_unescaped(std::string_view text) {
  auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9')
      return c - '0';
    if (c >= 'A' && c <= 'F')
      return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0
        && digit(text[i + 2]) >= 0) {
      result += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
      i += 2;
    } else {
      result += text[i];
    }
  }
  return result;
}

std::vector<std::string_view> rest_split(std::string_view text, char by) {
  std::vector<std::string_view> result;
  while (!text.empty()) {
    auto end = text.find(by);
    if (end != 0)
      result.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return result;
}

std::string rest_lower(std::string text) {
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return text;
}

std::string rest_text(const json& x, const char* name) {
  return x.is_object() && x.contains(name) && x[name].is_string()
           ? x[name].get<std::string>()
           : std::string{};
}

json* rest_by_id(std::vector<json>& items, const std::string& id) {
  for (auto& x : items)
    if (x["Id"] == id)
      return &x;
  return nullptr;
}

std::string rest_header(const rest_request& request, const char* name) {
  auto found = request.headers.find(name);
  return found == request.headers.end() ? std::string{} : found->second;
}

std::string rest_cookie(const rest_request& request, std::string_view prefix) {
  auto all = rest_header(request, "cookie");
  for (auto part : rest_split(all, ';')) {
    while (part.starts_with(' '))
      part.remove_prefix(1);
    if (part.starts_with(prefix))
      return std::string{part.substr(part.find('=') + 1)};
  }
  return {};
}

} // namespace cuttle::sim
