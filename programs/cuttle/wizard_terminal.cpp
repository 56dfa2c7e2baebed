#include <cstdio>
#include <iostream>
#include <termios.h>
#include <unistd.h>

#include "infra/settings/environment_reader.hpp"
#include "programs/cuttle/wizard.hpp"

namespace cuttle {

namespace {

// Switches the echo off for one answer.
class hidden_input {
public:
  explicit hidden_input(bool hide) {
    if (!hide || tcgetattr(STDIN_FILENO, &before_) != 0)
      return;
    auto now = before_;
    now.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = tcsetattr(STDIN_FILENO, TCSAFLUSH, &now) == 0;
  }

  ~hidden_input() {
    if (!changed_)
      return;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    std::fputc('\n', stderr);
  }

  hidden_input(const hidden_input&) = delete;
  hidden_input& operator=(const hidden_input&) = delete;

private:
  termios before_{};
  bool changed_ = false;
};

} // namespace

bool system_terminal::interactive() const {
  return isatty(STDIN_FILENO) == 1;
}

std::optional<std::string> system_terminal::ask(const std::string& question,
                                                const std::string& otherwise,
                                                bool secret) {
  std::fprintf(stderr, "%s%s: ", question.c_str(),
               otherwise.empty() ? "" : (" [" + otherwise + "]").c_str());
  std::fflush(stderr);
  std::string line;
  {
    hidden_input hidden{secret};
    if (!std::getline(std::cin, line))
      return std::nullopt;
  }
  auto text = std::string{settings::trimmed(line)};
  return text.empty() ? otherwise : text;
}

void system_terminal::say(const std::string& line) {
  std::fprintf(stderr, "%s\n", line.c_str());
}

} // namespace cuttle
