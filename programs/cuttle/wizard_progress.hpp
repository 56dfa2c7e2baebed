#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "infra/web/local_site.hpp"
#include "programs/cuttle/wizard.hpp"

namespace cuttle {

/// What an installation says, kept for a page that asks what is new and is
/// answered when there is something. Keeps the newest 500 lines. Thread-safe.
class wizard_progress {
public:
  /// An installation begins; nothing is left of the last one.
  void begin();
  void line(const std::string& text);
  void reached(install_stage stage);
  /// It ended, well if there is no trouble.
  void end(const octopus::answer<void>& how);
  bool active() const;

  /// Answers with all that is newer than a revision, now if there is anything,
  /// else at the next change. At most 4 wait; a fifth one sends the first away
  /// with no news.
  void ask(std::uint64_t after, web::site_answer answer);

  /// The same at once, perhaps without news.
  web::site_reply since(std::uint64_t after) const;

private:
  struct entry {
    std::uint64_t revision;
    std::string text;
  };

  web::site_reply render(std::uint64_t after) const;
  void changed(std::unique_lock<std::mutex> lock);

  mutable std::mutex mutex_;
  std::uint64_t revision_ = 0;
  std::deque<entry> lines_;
  std::vector<std::string> stages_;
  bool active_ = false;
  bool ended_ = false;
  octopus::answer<void> how_;
  std::deque<std::pair<std::uint64_t, web::site_answer>> waiting_;
};

} // namespace cuttle
