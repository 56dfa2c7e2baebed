#pragma once

#include <string>
#include <string_view>

namespace cuttle::kubernetes {

/// Finds the kubelet's notice that it has no inotify instance left, which
/// comes as a line of the log with a good HTTP code, and takes it out. Lines of
/// a log begin with a time stamp, so nothing else begins like the notice.
class kubelet_notice {
public:
  /// Bytes of the log that may be passed on. Holds back what may be the
  /// beginning of the notice.
  std::string_view filter(std::string_view bytes);

  /// What was held back and turned out not to be the notice; for the end of
  /// the stream.
  std::string_view rest() const;

  /// Whether the notice came. It is the last thing of a stream.
  bool found() const {
    return found_;
  }

private:
  /// Bytes of the notice that matched at the begin of the current line.
  std::size_t matched_ = 0;
  bool line_start_ = true;
  bool found_ = false;
  std::string passed_;
};

} // namespace cuttle::kubernetes
