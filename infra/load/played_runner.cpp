#include "infra/load/played_runner.hpp"

#include <atomic>
#include <fstream>
#include <sstream>

#include "infra/crypto/cipher.hpp"
#include "infra/load/script_plan.hpp"
#include "infra/podlog/frame.hpp"

namespace cuttle::load {

namespace {

// One pipe's buffer, which a runner writes at a time when it can not keep up.
constexpr std::size_t chunk_bytes = std::size_t{64} * 1024;
constexpr int code_after_term = 128 + 15;

std::optional<std::string> content_of(const std::string& file) {
  std::ifstream in{file, std::ios::binary};
  if (!in)
    return std::nullopt;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// The workspace, which the command line names: `exec '<workspace>/execute-…`.
std::optional<std::string> workspace_of(const sim::process_spec& container) {
  constexpr std::string_view entry = "/execute-bootstrapRunner.sh";
  for (auto& argument : container.arguments) {
    auto end = argument.find(entry);
    if (end == argument.npos)
      continue;
    auto begin = argument.find_last_of("'\"", end);
    if (begin == argument.npos)
      begin = argument.find_last_of(' ', end);
    begin = begin == argument.npos ? 0 : begin + 1;
    return argument.substr(begin, end - begin);
  }
  return std::nullopt;
}

class played_runner final : public sim::pod_play {
public:
  played_runner(script_plan plan, const crypto::bytes& key,
                std::unique_ptr<played_link> link)
    : plan_(plan), sealer_(key), link_(std::move(link)) {}

  void attend(std::function<void()> wake) override {
    if (link_)
      link_->attend(std::move(wake));
  }

  std::optional<std::chrono::milliseconds> next() override {
    if (link_ && phase_ != phase::over && link_->full())
      return until_woken;
    switch (phase_) {
    case phase::begin:
      return std::chrono::milliseconds{0};
    case phase::lines:
      return number_ == 0 ? std::chrono::milliseconds{0} : plan_.every;
    case phase::end:
      return plan_.sleep + (plan_.lines > 0 ? plan_.every : plan_.every * 0);
    case phase::over:
      if (link_ && !link_->over())
        return until_woken;
      break;
    }
    return std::nullopt;
  }

  std::string print() override {
    std::string out;
    if (phase_ == phase::begin) {
      verbose(out, "Kubernetes Script Pod started");
      line(out, begin_line(wall_micros(), next_run()));
      phase_ = plan_.lines > 0 ? phase::lines : phase::end;
    } else if (phase_ == phase::lines) {
      do {
        line(out, numbered_line_text(plan_, ++number_, wall_micros()));
      } while (plan_.every.count() == 0 && number_ < plan_.lines
               && out.size() < chunk_bytes);
      if (number_ == plan_.lines)
        phase_ = phase::end;
    } else {
      line(out, end_line(wall_micros()));
      finish(out, 0);
    }
    return out;
  }

  std::string interrupt() override {
    std::string out;
    if (phase_ != phase::over)
      finish(out, code_after_term);
    if (link_)
      link_->end(true);
    return out;
  }

  int exit_code() const override {
    return code_;
  }

private:
  enum class phase : std::uint8_t { begin, lines, end, over };

  static std::uint64_t next_run() {
    static std::atomic<std::uint64_t> runs = 0;
    return ++runs;
  }

  void line(std::string& out, std::string_view text,
            output_source source = output_source::out) {
    auto start = out.size();
    sealer_.append(out, ++frames_, source, text);
    if (link_)
      link_->add(frames_, std::string_view{out}.substr(start));
  }

  void verbose(std::string& out, std::string_view text) {
    line(out, "##octopus[stdout-verbose]");
    line(out, text);
    line(out, "##octopus[stdout-default]");
  }

  void finish(std::string& out, int code) {
    verbose(out, "Kubernetes Script Pod completed");
    line(out, podlog::end_marker_text(code), output_source::debug);
    code_ = code;
    phase_ = phase::over;
    if (link_)
      link_->end(false);
  }

  const script_plan plan_;
  podlog::frame_sealer sealer_;
  const std::unique_ptr<played_link> link_;
  phase phase_ = phase::begin;
  std::int64_t frames_ = 0;
  unsigned number_ = 0;
  int code_ = 0;
};

} // namespace

outcome<std::unique_ptr<sim::pod_play>>
play_runner(const sim::process_spec& container, const link_dialer& dial) {
  auto workspace = workspace_of(container);
  if (!workspace)
    return fail(errc::not_found, "the command names no workspace");
  auto body = content_of(*workspace + "/Bootstrap.sh");
  auto key_text = content_of(*workspace + "/keyfile");
  if (!body || !key_text)
    return fail(errc::not_found, "there is no script or key in " + *workspace);
  auto plan = plan_of(*body);
  if (!plan)
    return fail(errc::invalid_request, "the script is none of the load's");
  auto key = crypto::from_base64(*key_text);
  if (!key || key->size() != crypto::log_key{}.value.size())
    return fail(errc::invalid_request, "the key can not be used");
  return std::make_unique<played_runner>(
    *plan, *key, dial ? dial(*workspace, *key) : nullptr);
}

} // namespace cuttle::load
