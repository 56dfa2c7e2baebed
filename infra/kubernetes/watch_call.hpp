#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "infra/kubernetes/http_thread.hpp"
#include "infra/kubernetes/line_splitter.hpp"
#include "infra/kubernetes/request.hpp"

namespace cuttle::kubernetes {

/// What is watched.
struct watch_target {
  /// `pods` or `events`; a literal.
  std::string_view resource;
  /// `labelSelector=…` or `fieldSelector=…`, escaped.
  std::string selector;
};

/// List + watch that lasts until it is cancelled [MON-01] to [MON-04]: pages
/// of a list, then a watch that goes on from the last resource version after
/// its end, and a new list after 410 or an answer that makes no sense.
template <class T>
class watch_call final : public call, private transfer_owner {
public:
  watch_call(http_thread& thread, std::shared_ptr<call_flags> flags,
             watch_target target, watch_callbacks<T> callbacks);
  ~watch_call() override;

  void start() override;

private:
  using answer = tl::expected<std::string, request_failure>;

  // -- list ------------------------------------------------------------------

  void list();
  void next_page();
  void on_page(answer result);

  // -- watch -----------------------------------------------------------------

  void watch();
  void on_headers(int status) override;
  body_answer on_body(std::string_view bytes) override;
  void on_done(const attempt& result) override;
  bool on_line(std::string_view line);
  void look_for_silence();
  void drop_transfer();

  // -- breaks ----------------------------------------------------------------

  /// The watch broke: tells it and goes on after a back-off.
  void broken(failure why);

  /// Goes on with a watch, or with a list when no version is known.
  void go_on();

  void healthy();

  http_thread& thread_;
  watch_target target_;
  watch_callbacks<T> callbacks_;
  /// Where to go on; empty means "list first".
  std::string version_;
  std::string next_;
  std::vector<T> items_;
  std::optional<line_splitter> lines_;
  /// Body of an answer that is no watch.
  std::string error_body_;
  int status_ = 0;
  /// Set when the watch was stopped from inside: why.
  std::optional<failure> verdict_;
  bool expired_ = false;
  /// Whether the owner was told of trouble that has not ended yet.
  bool troubled_ = false;
  bool renewed_ = false;
  bool fresh_ = false;
  unsigned failures_ = 0;
  /// When the current watch began to work.
  std::optional<steady::time_point> healthy_since_;
  steady::time_point last_heard_;
  std::shared_ptr<http_thread::job> timer_;
  std::shared_ptr<http_thread::job> silence_;
  std::unique_ptr<request> request_;
  std::unique_ptr<transfer> transfer_;
};

} // namespace cuttle::kubernetes
