#include "infra/sim/cluster_selector.hpp"

#include <algorithm>

namespace cuttle::sim {

namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ')
    text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ')
    text.remove_suffix(1);
  return text;
}

/// The text at a dotted path, "" for a field that is not there: as with
/// Kubernetes, `a.b=` selects objects without it.
std::string text_of(const nlohmann::json& object, std::string_view path) {
  const auto* at = &object;
  while (!path.empty()) {
    auto dot = path.find('.');
    auto key = std::string{path.substr(0, dot)};
    if (!at->is_object())
      return {};
    auto found = at->find(key);
    if (found == at->end())
      return {};
    at = &*found;
    path = dot == path.npos ? std::string_view{} : path.substr(dot + 1);
  }
  return at->is_string() ? at->get<std::string>() : std::string{};
}

} // namespace

std::optional<selector::term> selector::parse_term(std::string_view text) {
  text = trimmed(text);
  term result;
  if (auto at = text.find("!="); at != text.npos) {
    result.how = relation::unequal;
    result.key = trimmed(text.substr(0, at));
    result.value = trimmed(text.substr(at + 2));
  } else if (at = text.find('='); at != text.npos) {
    auto width = text.substr(at).starts_with("==") ? 2u : 1u;
    result.how = relation::equal;
    result.key = trimmed(text.substr(0, at));
    result.value = trimmed(text.substr(at + width));
  } else if (text.starts_with('!')) {
    result.how = relation::absent;
    result.key = trimmed(text.substr(1));
  } else {
    result.key = text;
  }
  // Set-based terms (`in`, `notin`) are not understood, so they are refused.
  auto odd = [](char c) { return c == ' ' || c == '(' || c == ')'; };
  if (result.key.empty() || std::any_of(text.begin(), text.end(), odd))
    return std::nullopt;
  return result;
}

std::optional<selector> selector::parse(std::string_view labels,
                                        std::string_view fields) {
  selector result;
  auto read = [](std::string_view text, std::vector<term>& out) {
    while (!text.empty()) {
      auto comma = text.find(',');
      auto one = parse_term(text.substr(0, comma));
      if (!one)
        return false;
      out.push_back(std::move(*one));
      text = comma == text.npos ? std::string_view{} : text.substr(comma + 1);
    }
    return true;
  };
  if (!read(labels, result.labels_) || !read(fields, result.fields_))
    return std::nullopt;
  for (const auto& field : result.fields_)
    if (field.how == relation::exists || field.how == relation::absent)
      return std::nullopt;
  return result;
}

bool selector::matches(const nlohmann::json& object) const {
  auto field_fits = [&](const term& x) {
    return (text_of(object, x.key) == x.value) == (x.how == relation::equal);
  };
  if (!std::all_of(fields_.begin(), fields_.end(), field_fits))
    return false;
  if (labels_.empty())
    return true;
  static const nlohmann::json no_labels = nlohmann::json::object();
  const auto* labels = &no_labels;
  if (auto meta = object.find("metadata"); meta != object.end())
    if (auto found = meta->find("labels");
        found != meta->end() && found->is_object())
      labels = &*found;
  auto label_fits = [&](const term& x) {
    auto found = labels->find(x.key);
    auto there = found != labels->end();
    switch (x.how) {
    case relation::exists:
      return there;
    case relation::absent:
      return !there;
    case relation::equal:
      return there && *found == x.value;
    default:
      return !there || *found != x.value;
    }
  };
  return std::all_of(labels_.begin(), labels_.end(), label_fits);
}

} // namespace cuttle::sim
