#include "infra/kubernetes/retry.hpp"

#include <algorithm>
#include <iterator>

#include "infra/kubernetes/text.hpp"

namespace cuttle::kubernetes {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds steps[] = {
  milliseconds{100},  milliseconds{250},  milliseconds{500}, milliseconds{1000},
  milliseconds{2000}, milliseconds{4000}, milliseconds{8000}};

errc code_of(int status) {
  switch (status) {
  case 401:
  case 403:
    return errc::forbidden;
  case 404:
  case 410:
    return errc::not_found;
  case 409:
    return errc::conflict;
  case 408:
  case 429:
    return errc::unavailable;
  default:
    if (status >= 500)
      return errc::unavailable;
    return status >= 400 ? errc::invalid_request : errc::protocol_error;
  }
}

} // namespace

bool worth_repeating(const attempt& last, repeatable how) {
  using kind = attempt::kind;
  if (how == repeatable::never || last.how == kind::misconfigured)
    return false;
  if (last.how == kind::not_received)
    return true;
  if (how == repeatable::unless_received)
    return false;
  return last.how == kind::lost || last.status == 408 || last.status == 429
         || last.status >= 500;
}

milliseconds backoff_step(unsigned failures) {
  auto row = std::clamp<size_t>(failures, 1, std::size(steps)) - 1;
  return steps[row];
}

milliseconds backoff(unsigned failures, double random) {
  auto step = static_cast<double>(backoff_step(failures).count());
  return milliseconds{static_cast<long>(step * (0.5 + random / 2))};
}

failure failure_of(const attempt& last, const api_status& said,
                   const std::string& what) {
  using kind = attempt::kind;
  auto context = "Cannot " + what + ": ";
  if (last.how == kind::misconfigured)
    return {errc::forbidden, context + sentence(last.error)};
  if (last.how != kind::answered)
    return {errc::unavailable, context + sentence(last.error)};
  auto code = code_of(last.status);
  auto message = sentence(said.message);
  if (message.empty())
    message = "The API server answered with HTTP " + std::to_string(last.status)
              + (said.reason.empty() ? "." : " (" + said.reason + ").");
  if (last.status == 401)
    message += " The API server does not accept this worker's credentials.";
  return {code, context + message};
}

} // namespace cuttle::kubernetes
