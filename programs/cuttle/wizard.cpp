#include "programs/cuttle/wizard.hpp"

#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "infra/octopus/match.hpp"

extern char** environ;

namespace cuttle {

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using octopus::answer;
using octopus::mistake;
using octopus::wrong;

constexpr auto health_pause = 2s;

// Writes a file that only its owner may read; an old one is replaced.
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

// A folder of our own that goes with it.
class private_folder {
public:
  private_folder() {
    auto pattern
      = (std::filesystem::temp_directory_path() / "cuttle-XXXXXX").string();
    if (mkdtemp(pattern.data()) != nullptr)
      path_ = pattern;
  }

  ~private_folder() {
    std::error_code ignored;
    if (!path_.empty())
      std::filesystem::remove_all(path_, ignored);
  }

  private_folder(const private_folder&) = delete;
  private_folder& operator=(const private_folder&) = delete;

  const std::filesystem::path& path() const {
    return path_;
  }

private:
  std::filesystem::path path_;
};

// Runs helm with our own standard output and error.
answer<void> run_helm(const std::string& program,
                      const std::vector<std::string>& arguments,
                      const std::string& kubeconfig, clock::time_point until) {
  std::vector<std::string> words{program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  if (!kubeconfig.empty()) {
    words.insert(words.begin() + 1, kubeconfig);
    words.insert(words.begin() + 1, "--kubeconfig");
  }
  std::vector<char*> raw;
  for (auto& x : words)
    raw.push_back(x.data());
  raw.push_back(nullptr);
  pid_t child = -1;
  if (posix_spawnp(&child, program.c_str(), nullptr, nullptr, raw.data(),
                   environ)
      != 0)
    return wrong(mistake::option_wrong,
                 "'" + program
                   + "' can not be started. Install Helm 3.8 or later, or give "
                     "its path with --helm.");
  auto handle = static_cast<int>(syscall(SYS_pidfd_open, child, 0));
  pollfd item{handle, POLLIN, 0};
  auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
    until - clock::now());
  auto ended
    = poll(&item, 1, static_cast<int>(std::max<long>(left.count(), 1))) == 1;
  if (!ended)
    kill(child, SIGTERM);
  int status = 0;
  if (!ended && poll(&item, 1, 10'000) != 1)
    kill(child, SIGKILL);
  waitpid(child, &status, 0);
  close(handle);
  if (!ended)
    return wrong(mistake::no_answer, "Helm was not done in time and was "
                                     "stopped. Look at the pods and events of "
                                     "the namespace; --timeout gives it more.");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return wrong(mistake::refused,
                 "Helm failed; what it says is above. The log of the worker's "
                 "pod names what is wrong with a registration.");
  return {};
}

} // namespace

answer<void> install(const wizard_options& options, wizard_result& wizard,
                     wizard_terminal& terminal) {
  auto until = clock::now() + options.timeout;
  auto& plan = wizard.plan;
  {
    private_folder folder;
    auto file = folder.path() / "values.yaml";
    if (auto done = write_private(file, render_values(plan, true)); !done)
      return done;
    terminal.say("Running helm: release " + plan.release + ", namespace "
                 + plan.namespace_name + ".");
    auto done = run_helm(options.helm, helm_arguments(plan, file.string()),
                         options.kubeconfig, until);
    if (!done)
      return done;
  }
  terminal.say("Helm is done. Waiting for the worker '"
               + octopus::one_line(plan.name, 80) + "' to be healthy.");
  std::string last = "no record yet";
  for (;;) {
    wizard.server->extend(20s);
    auto found = wizard.server->workers_named(plan.name);
    if (!found && !octopus::worth_waiting(found.error().what))
      return tl::unexpected(found.error());
    if (found)
      if (auto* worker = octopus::find_worker(*found, plan.name)) {
        auto health = worker->health.empty() ? "unknown" : worker->health;
        if (health != last)
          terminal.say("  " + worker->id + ": "
                       + octopus::one_line(health, 40));
        last = health;
        if (health == "Healthy" || health == "HasWarnings")
          return {};
      }
    if (clock::now() + health_pause >= until)
      return wrong(mistake::no_answer,
                   "The worker is installed, and not healthy in time (last: "
                     + octopus::one_line(last, 40)
                     + "). Look at the log of its pod in namespace '"
                     + plan.namespace_name
                     + "', and at its health check in the portal.");
    std::this_thread::sleep_for(health_pause);
  }
}

int run_wizard(const wizard_options& options) {
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
    auto done = install(options, *result, terminal);
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
