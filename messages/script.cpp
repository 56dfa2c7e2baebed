#include "messages/script.hpp"

#include <algorithm>

namespace cuttle {

namespace {

bool alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z')
         || (c >= 'a' && c <= 'z');
}

} // namespace

std::string script_ticket::key() const {
  auto result = task_id;
  for (auto& c : result)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return result;
}

bool script_ticket::valid() const {
  auto allowed = [](char c) {
    return alphanumeric(c) || c == '_' || c == '.' || c == '-';
  };
  return !task_id.empty() && task_id.size() <= 100
         && std::all_of(task_id.begin(), task_id.end(), allowed)
         && std::any_of(task_id.begin(), task_id.end(), alphanumeric);
}

} // namespace cuttle
