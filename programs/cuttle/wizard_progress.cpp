#include "programs/cuttle/wizard_progress.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace cuttle {

namespace {

constexpr std::size_t max_lines = 500;
constexpr std::size_t max_waiting = 4;

const char* name_of(install_stage stage) {
  switch (stage) {
  case install_stage::helm:
    return "helm";
  case install_stage::installed:
    return "installed";
  case install_stage::registered:
    return "registered";
  case install_stage::healthy:
    break;
  }
  return "healthy";
}

} // namespace

void wizard_progress::begin() {
  std::unique_lock lock{mutex_};
  lines_.clear();
  stages_.clear();
  active_ = true;
  ended_ = false;
  changed(std::move(lock));
}

void wizard_progress::line(const std::string& text) {
  std::unique_lock lock{mutex_};
  lines_.push_back({revision_ + 1, text});
  if (lines_.size() > max_lines)
    lines_.pop_front();
  changed(std::move(lock));
}

void wizard_progress::reached(install_stage stage) {
  std::unique_lock lock{mutex_};
  std::string name = name_of(stage);
  if (std::find(stages_.begin(), stages_.end(), name) != stages_.end())
    return;
  stages_.push_back(name);
  changed(std::move(lock));
}

void wizard_progress::end(const octopus::answer<void>& how) {
  std::unique_lock lock{mutex_};
  active_ = false;
  ended_ = true;
  how_ = how;
  changed(std::move(lock));
}

bool wizard_progress::active() const {
  std::lock_guard lock{mutex_};
  return active_;
}

void wizard_progress::ask(std::uint64_t after, web::site_answer answer) {
  std::unique_lock lock{mutex_};
  // (a revision that we never had is one of another run of the program)
  if (after != revision_) {
    auto news = render(after > revision_ ? 0 : after);
    lock.unlock();
    answer(std::move(news));
    return;
  }
  waiting_.emplace_back(after, std::move(answer));
  if (waiting_.size() <= max_waiting)
    return;
  auto first = std::move(waiting_.front());
  waiting_.pop_front();
  auto none = render(first.first);
  lock.unlock();
  first.second(std::move(none));
}

web::site_reply wizard_progress::since(std::uint64_t after) const {
  std::lock_guard lock{mutex_};
  return render(after);
}

web::site_reply wizard_progress::render(std::uint64_t after) const {
  nlohmann::json out{{"ok", true},        {"revision", revision_},
                     {"stages", stages_}, {"active", active_},
                     {"ended", ended_},   {"lines", nlohmann::json::array()}};
  for (auto& x : lines_)
    if (x.revision > after)
      out["lines"].push_back(x.text);
  if (ended_ && !how_)
    out["trouble"] = {{"mistake", octopus::name_of(how_.error().what)},
                      {"text", how_.error().text}};
  return {200,
          out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
}

void wizard_progress::changed(std::unique_lock<std::mutex> lock) {
  ++revision_;
  auto waiting = std::exchange(waiting_, {});
  std::vector<std::pair<web::site_answer, web::site_reply>> answers;
  for (auto& [after, answer] : waiting)
    answers.emplace_back(std::move(answer), render(after));
  lock.unlock();
  for (auto& [answer, reply] : answers)
    answer(std::move(reply));
}

} // namespace cuttle
