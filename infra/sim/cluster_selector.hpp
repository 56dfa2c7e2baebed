#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cuttle::sim {

/// Which objects a LIST or WATCH wants. Label terms: `key`, `!key`, `key=v`,
/// `key==v`, `key!=v`. Field terms: `metadata.name=v`, `involvedObject.kind=v`
/// and any other path of plain members, with `=`, `==` or `!=`.
class selector {
public:
  /// Selects everything.
  selector() = default;

  /// Nothing for a term that cannot be read.
  static std::optional<selector> parse(std::string_view labels,
                                       std::string_view fields);

  bool matches(const nlohmann::json& object) const;

  bool empty() const {
    return labels_.empty() && fields_.empty();
  }

private:
  enum class relation { exists, absent, equal, unequal };
  struct term {
    std::string key;
    relation how = relation::exists;
    std::string value;
  };
  static std::optional<term> parse_term(std::string_view text);
  std::vector<term> labels_;
  std::vector<term> fields_;
};

} // namespace cuttle::sim
