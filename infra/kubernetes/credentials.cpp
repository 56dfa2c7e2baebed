#include "infra/kubernetes/credentials.hpp"

#include "infra/kubernetes/files.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle::kubernetes {

credentials::credentials(const access& where)
  : file_(where.token_file), token_(where.token) {}

const std::string& credentials::token() {
  if (file_.empty())
    return token_;
  std::error_code error;
  auto changed = std::filesystem::last_write_time(file_, error);
  if (error || changed_ != changed)
    load();
  return token_;
}

bool credentials::renew() {
  if (file_.empty())
    return false;
  load();
  return true;
}

void credentials::load() {
  // The time is taken before the content, so that a change in between is seen
  // as one more change and not missed.
  std::error_code error;
  auto changed = std::filesystem::last_write_time(file_, error);
  auto text = read_small_file(file_);
  if (!text) {
    // The token that worked so far is better than none.
    if (changed_)
      telemetry::warn("kubernetes-token-unreadable",
                      {{"reason", text.error().text}});
    changed_.reset();
    return;
  }
  token_ = trimmed(*text);
  if (error)
    changed_.reset();
  else
    changed_ = changed;
}

} // namespace cuttle::kubernetes
