#include "programs/cuttle/wizard.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "programs/cuttle/wizard_web.hpp"

namespace cuttle {

using octopus::answer;
using octopus::mistake;
using octopus::wrong;

answer<void> write_private(const std::filesystem::path& file,
                           const std::string& text) {
  std::error_code ignored;
  std::filesystem::remove(file, ignored);
  auto out = open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  std::size_t done = 0;
  while (out >= 0 && done < text.size()) {
    auto count = write(out, text.data() + done, text.size() - done);
    if (count <= 0)
      break;
    done += static_cast<std::size_t>(count);
  }
  auto good = out >= 0 && done == text.size();
  if (out >= 0)
    good = close(out) == 0 && good;
  if (!good)
    return wrong(mistake::option_wrong,
                 "The file " + file.string() + " can not be written.");
  return {};
}

int run_wizard(const wizard_options& options) {
  if (options.web)
    return run_wizard_web(options);
  system_terminal terminal;
  auto fail = [&](const octopus::trouble& why) {
    terminal.say("cuttle wizard: " + why.text + " ("
                 + std::string{name_of(why.what)} + ")");
    return why.what <= mistake::option_wrong ? 2 : 1;
  };
  auto result = ask_wizard(options, settings::process_environment(), terminal);
  if (!result)
    return fail(result.error());
  if (options.run) {
    auto done = install(options, result->plan, *result->server, terminal);
    if (!done)
      return fail(done.error());
    terminal.say("The worker is healthy.");
    return 0;
  }
  auto text = render(result->plan, *format_of(options.format));
  if (options.output.empty()) {
    std::fputs(text.c_str(), stdout);
    return 0;
  }
  if (auto done = write_private(options.output, text); !done)
    return fail(done.error());
  terminal.say("Written to " + options.output.string() + ".");
  return 0;
}

} // namespace cuttle
