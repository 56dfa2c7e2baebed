#include "infra/podlog/reader.hpp"

#include <functional>
#include <set>
#include <unordered_set>
#include <utility>

#include "infra/podlog/frame.hpp"

namespace cuttle::podlog {

namespace {

// A gap after this many good lines of a stream asks for a reread; one sooner
// after the last gap is accepted, so that a log full of holes is not read again
// for each of them.
constexpr std::int64_t lines_between_rereads = 1000;

// Numbers of damaged lines that are kept, to tell them from lost ones.
constexpr std::size_t max_damaged_numbers = 10'000;

// Texts that the kubelet puts into the body of the log instead of a line, and
// what they mean.
struct kubelet_text {
  std::string_view begin;
  std::string_view meaning;
};

constexpr kubelet_text kubelet_texts[] = {
  {"unable to retrieve container logs for ",
   "The rest of the pod's log is gone: the container was removed from its node "
   "before its log was read."},
  {"failed to create fsnotify watcher",
   "The node has no inotify instance left for the pod's log (raise "
   "fs.inotify.max_user_instances there); the log is read again."},
};

std::string lost_text(std::int64_t first, std::int64_t last) {
  auto count = last - first + 1;
  auto head = count == 1
                ? "1 line of output (" + std::to_string(first) + ") was lost"
                : std::to_string(count) + " lines of output ("
                    + std::to_string(first) + " to " + std::to_string(last)
                    + ") were lost";
  auto they = count == 1 ? " it was read." : " they were read.";
  return head + ": the kubelet rotated the pod's log before" + they;
}

} // namespace

struct reader::impl {
  impl(crypto::log_key key, std::int64_t delivered, std::size_t longest)
    : parser(key), last(delivered), longest_line(longest) {}

  advice feed(std::string_view data) {
    while (!stalled && !data.empty()) {
      auto end = data.find('\n');
      auto complete = end != std::string_view::npos;
      auto piece = data.substr(0, end);
      data.remove_prefix(complete ? end + 1 : data.size());
      if (!complete) {
        keep(piece);
      } else if (rest.empty() && !skipping && piece.size() <= longest_line) {
        on_line(piece);
      } else {
        keep(piece);
        end_kept_line();
      }
    }
    return stalled ? advice::reread : advice::more;
  }

  advice finish() {
    // A frame cut off by a broken connection is not damaged: the next stream
    // brings it whole.
    if (!stalled && !skipping && !rest.empty() && cut_off())
      rest.clear();
    if (!stalled)
      end_kept_line();
    return stalled ? advice::reread : advice::more;
  }

  void restart(bool from_start) {
    rest.clear();
    rest.shrink_to_fit();
    skipping = false;
    stalled = false;
    gap_allowed = from_start;
    run = 0;
  }

  // -- cutting lines ----------------------------------------------------------

  void keep(std::string_view piece) {
    if (skipping)
      return;
    if (rest.size() + piece.size() > longest_line) {
      skipping = true;
      rest.clear();
      rest.shrink_to_fit();
      return;
    }
    rest += piece;
  }

  void end_kept_line() {
    constexpr std::size_t usual_capacity = 256 * 1024;
    if (skipping) {
      skipping = false;
      damaged("A line of the pod's log is longer than "
                + std::to_string(longest_line) + " bytes and was left out.",
              {});
      return;
    }
    on_line(rest);
    rest.clear();
    if (rest.capacity() > usual_capacity)
      rest.shrink_to_fit();
  }

  // Whether the unterminated rest is the beginning of a line rather than one.
  bool cut_off() {
    auto digit = rest.front() >= '0' && rest.front() <= '9';
    return digit && std::holds_alternative<damaged_line>(parser.parse(rest));
  }

  // -- one line ---------------------------------------------------------------

  void on_line(std::string_view line) {
    if (line.empty())
      return;
    auto result = parser.parse(line);
    if (auto* good = std::get_if<parsed_line>(&result)) {
      on_good_line(std::move(*good));
      return;
    }
    auto& damage = std::get<damaged_line>(result);
    if (damage.number > last && damaged_numbers.size() < max_damaged_numbers)
      damaged_numbers.insert(damage.number);
    for (const auto& text : kubelet_texts)
      if (line.substr(0, text.begin.size()) == text.begin)
        damage.message = text.meaning;
    damaged(std::move(damage.message), damage.occurred);
  }

  void on_good_line(parsed_line good) {
    auto& line = good.line;
    if (line.number <= last) {
      // Before the first new line these are repetitions, which `sinceTime`
      // brings; after it the log itself runs backwards.
      if (run > 0 && !gap_allowed)
        stalled = true;
      return;
    }
    if (line.number != last + 1 && !accept_gap(line))
      return;
    last = line.number;
    last_time = line.line.occurred;
    ++run;
    if (run >= lines_between_rereads)
      gap_allowed = false;
    damaged_numbers.erase(damaged_numbers.begin(),
                          damaged_numbers.upper_bound(last));
    if (good.exit_code)
      marker = good.exit_code;
    batch.bytes += memory_of(line);
    batch.lines.push_back(std::move(line));
  }

  // Decides on the lines between the last one and `next`.
  bool accept_gap(const numbered_line& next) {
    auto missing = next.number - last - 1;
    auto known = std::distance(damaged_numbers.begin(),
                               damaged_numbers.lower_bound(next.number));
    // All of them are here, damaged, with a remark each.
    if (known == missing)
      return true;
    if (!gap_allowed) {
      stalled = true;
      return false;
    }
    add_remark(lost_text(last + 1, next.number - 1), next.line.occurred);
    run = 0;
    return true;
  }

  // -- remarks ----------------------------------------------------------------

  void damaged(std::string text, std::optional<timestamp> occurred) {
    if (seen.size() > max_damaged_lines)
      return;
    if (!seen.insert(std::hash<std::string>{}(text)).second)
      return;
    if (seen.size() > max_damaged_lines)
      text = "More than " + std::to_string(max_damaged_lines)
             + " lines of the pod's log are damaged; further ones are not "
               "shown.";
    add_remark(std::move(text), occurred);
  }

  // A remark without time of its own gets the present one [LOG-08].
  void add_remark(std::string text, std::optional<timestamp> occurred) {
    batch.remarks.push_back(
      {output_source::err,
       occurred ? *occurred : std::chrono::system_clock::now(),
       std::move(text)});
    batch.bytes += memory_of(batch.remarks.back());
  }

  line_parser parser;
  std::int64_t last;
  std::size_t longest_line;
  std::optional<timestamp> last_time;
  std::optional<std::int32_t> marker;
  log_batch batch;

  // The unterminated end of what came.
  std::string rest;
  // Inside a line that is too long.
  bool skipping = false;
  // A gap was found; the rest of this stream is ignored.
  bool stalled = false;
  // The stream has all that is left, so a gap is final.
  bool gap_allowed = false;
  // Good lines of this stream since it began or since its last gap.
  std::int64_t run = 0;
  // Damaged lines beyond `last` whose number could be read.
  std::set<std::int64_t> damaged_numbers;
  // Hashes of the remarks about damaged lines.
  std::unordered_set<std::size_t> seen;
};

reader::reader(crypto::log_key key, std::int64_t delivered,
               std::size_t longest_line)
  : impl_(std::make_unique<impl>(key, delivered, longest_line)) {}

reader::~reader() = default;
reader::reader(reader&&) noexcept = default;
reader& reader::operator=(reader&&) noexcept = default;

reader::advice reader::feed(std::string_view data) {
  return impl_->feed(data);
}

reader::advice reader::finish() {
  return impl_->finish();
}

void reader::restart(bool from_start) {
  impl_->restart(from_start);
}

log_batch reader::take() {
  auto result = std::exchange(impl_->batch, log_batch{});
  result.end_marker = impl_->marker;
  return result;
}

std::size_t reader::ready_bytes() const {
  return impl_->batch.bytes;
}

std::size_t reader::partial_bytes() const {
  return impl_->rest.size();
}

std::int64_t reader::last_number() const {
  return impl_->last;
}

std::optional<timestamp> reader::last_time() const {
  return impl_->last_time;
}

std::optional<std::int32_t> reader::end_marker() const {
  return impl_->marker;
}

} // namespace cuttle::podlog
