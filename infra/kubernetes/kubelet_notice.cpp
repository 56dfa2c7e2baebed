#include "infra/kubernetes/kubelet_notice.hpp"

namespace cuttle::kubernetes {

namespace {

constexpr std::string_view notice = "failed to create fsnotify watcher";

} // namespace

std::string_view kubelet_notice::filter(std::string_view bytes) {
  if (found_)
    return {};
  // Nearly always the first byte of a line is a digit, and nothing is copied.
  if (matched_ == 0) {
    auto start = line_start_;
    auto suspicious = start && !bytes.empty() && bytes[0] == notice[0];
    for (auto i = bytes.find('\n'); !suspicious && i + 1 < bytes.size();
         i = bytes.find('\n', i + 1)) {
      if (i == std::string_view::npos)
        break;
      suspicious = bytes[i + 1] == notice[0];
    }
    if (!suspicious) {
      if (!bytes.empty())
        line_start_ = bytes.back() == '\n';
      return bytes;
    }
  }
  passed_.clear();
  for (auto c : bytes) {
    if (matched_ > 0 || line_start_) {
      if (c == notice[matched_]) {
        line_start_ = false;
        if (++matched_ == notice.size()) {
          found_ = true;
          return passed_;
        }
        continue;
      }
      passed_ += notice.substr(0, matched_);
      matched_ = 0;
    }
    passed_ += c;
    line_start_ = c == '\n';
  }
  return passed_;
}

std::string_view kubelet_notice::rest() const {
  return found_ ? std::string_view{} : notice.substr(0, matched_);
}

} // namespace cuttle::kubernetes
