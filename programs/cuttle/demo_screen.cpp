#include "programs/cuttle/demo_screen.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>

namespace cuttle {

namespace {

constexpr auto dim = "\033[2m";
constexpr auto bold = "\033[1m";
constexpr auto red = "\033[31m";
constexpr auto green = "\033[32m";
constexpr auto yellow = "\033[33m";
constexpr auto blue = "\033[34m";
constexpr auto reset = "\033[0m";

std::string clock_text(timestamp when) {
  auto seconds = std::chrono::system_clock::to_time_t(when);
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(
              when.time_since_epoch())
              .count()
            % 1000;
  std::tm parts{};
  localtime_r(&seconds, &parts);
  char text[32];
  std::snprintf(text, sizeof(text), "%02d:%02d:%02d.%03d", parts.tm_hour,
                parts.tm_min, parts.tm_sec, static_cast<int>(ms));
  return text;
}

std::string pad(std::string text, int width) {
  auto wanted = static_cast<std::size_t>(width);
  if (text.size() < wanted)
    text.append(wanted - text.size(), ' ');
  return text;
}

std::string duration_text(std::chrono::milliseconds x) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.2f s",
                static_cast<double>(x.count()) / 1000);
  return text;
}

// Control characters of a script must not reach the terminal.
std::string printable(const std::string& text) {
  std::string result;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    result += byte < 0x20 || byte == 0x7f ? ' ' : c;
  }
  return result;
}

} // namespace

demo_screen::demo_screen(options how) : how_(how) {}

void demo_screen::put(const char* colour, const std::string& text) {
  if (how_.colours)
    std::printf("%s%s%s\n", colour, text.c_str(), reset);
  else
    std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

void demo_screen::say(const std::string& text) {
  std::lock_guard lock{mutex_};
  put("", text);
}

void demo_screen::heading(const std::string& text) {
  std::lock_guard lock{mutex_};
  put("", "");
  put(bold, "== " + text);
}

void demo_screen::progress(const std::string& step, const std::string& text) {
  std::lock_guard lock{mutex_};
  put(blue, clock_text(std::chrono::system_clock::now()) + "  "
              + pad(step, how_.name_width) + "  > " + printable(text));
}

void demo_screen::check(const std::string& expectation, bool held,
                        const std::string& found) {
  std::lock_guard lock{mutex_};
  auto text = (held ? "  [held]    " : "  [FAILED]  ") + expectation;
  if (!held && !found.empty())
    text += "; found: " + found;
  put(held ? green : red, printable(text));
}

void demo_screen::lines(const std::string& step, mode& state,
                        const std::vector<output_line>& lines) {
  std::lock_guard lock{mutex_};
  for (auto& line : lines) {
    if (line.source == output_source::out
        && line.text.starts_with("##octopus[stdout-")) {
      auto name = line.text.substr(17);
      state = name.starts_with("verbose")   ? mode::verbose
              : name.starts_with("warning") ? mode::warning
              : name.starts_with("wait")    ? mode::wait
                                            : mode::normal;
      continue;
    }
    put_line(step, line, state);
  }
}

void demo_screen::put_line(const std::string& step, const output_line& line,
                           mode state) {
  auto verbose = line.source == output_source::debug || state == mode::verbose;
  if (verbose && !how_.verbose)
    return;
  const char* colour = "";
  auto tag = "Info ";
  if (verbose) {
    colour = dim;
    tag = "Verb ";
  } else if (line.source == output_source::err) {
    colour = red;
    tag = "Error";
  } else if (state == mode::warning) {
    colour = yellow;
    tag = "Warn ";
  } else if (state == mode::wait) {
    colour = dim;
    tag = "Wait ";
  }
  put(colour, clock_text(line.occurred) + "  " + pad(step, how_.name_width)
                + "  " + tag + "  " + printable(line.text));
}

void demo_screen::table(const std::vector<demo_row>& rows) {
  std::lock_guard lock{mutex_};
  int step = 4;
  int pod = 3;
  int image = 5;
  for (auto& x : rows) {
    step = std::max(step, static_cast<int>(x.step.size()));
    pod = std::max(pod, static_cast<int>(x.pod.size()));
    image = std::max(image, static_cast<int>(x.image.size()));
  }
  auto row = [&](const std::string& name, const std::string& of,
                 const std::string& from, const std::string& code,
                 const std::string& queued, const std::string& to_pod,
                 const std::string& line, const std::string& total,
                 const std::string& calls) {
    return pad(name, step) + "  " + pad(of, pod) + "  " + pad(from, image)
           + "  " + pad(code, 4) + "  " + pad(queued, 7) + "  " + pad(to_pod, 7)
           + "  " + pad(line, 10) + "  " + pad(total, 8) + "  " + pad(calls, 9);
  };
  put(bold, row("step", "pod", "image", "exit", "queued", "to pod",
                "first line", "total", "API calls"));
  for (auto& x : rows) {
    auto text = row(x.step, x.pod, x.image, std::to_string(x.exit_code),
                    duration_text(x.queued), duration_text(x.to_pod),
                    duration_text(x.to_first_line), duration_text(x.total),
                    std::to_string(x.calls));
    put(x.complaint.empty() ? green : red,
        text + (x.complaint.empty() ? "as it should" : x.complaint));
  }
}

} // namespace cuttle
