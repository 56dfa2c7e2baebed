#include <algorithm>
#include <cctype>

#include "infra/kubernetes/manifest.hpp"
#include "infra/kubernetes/text.hpp"

namespace cuttle::kubernetes {

namespace {

bool same(std::string_view x, std::string_view y) {
  return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                    [](unsigned char a, unsigned char b) {
                      return std::tolower(a) == std::tolower(b);
                    });
}

/// The smallest step of time on the wire; keeps markers beside their text when
/// lines are sorted [LOG-20].
constexpr std::chrono::nanoseconds tick{100};

} // namespace

std::vector<output_line> event_lines(const pod_event& event,
                                     bool pulling_seen) {
  constexpr size_t longest = 16 * 1024;
  auto text = "[POD EVENT] " + one_line(event.reason, longest) + " | "
              + one_line(event.message, longest)
              + " (Count: " + std::to_string(event.count) + ')';
  auto wrapped = [&](const char* marker) -> std::vector<output_line> {
    return {
      {output_source::out, event.occurred - tick, marker},
      {output_source::out, event.occurred, text},
      {output_source::out, event.occurred + tick, "##octopus[stdout-default]"}};
  };
  if (same(event.type, "Warning"))
    return wrapped("##octopus[stdout-warning]");
  if (same(event.reason, "Pulling")
      || (same(event.reason, "Pulled") && pulling_seen))
    return wrapped("##octopus[stdout-wait]");
  return {{output_source::debug, event.occurred, text}};
}

} // namespace cuttle::kubernetes
