#include "infra/octopus/match.hpp"
#include "infra/settings/environment_reader.hpp"
#include "programs/cuttle/wizard.hpp"
#include "programs/cuttle/wizard_checks.hpp"

namespace cuttle {

namespace {

using octopus::answer;
using octopus::mistake;
using octopus::wrong;

// Wrong answers to one question, after which the wizard gives up.
constexpr int max_attempts = 5;

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> result;
  std::string_view rest = text;
  while (!rest.empty()) {
    auto comma = rest.find(',');
    if (auto part = settings::trimmed(rest.substr(0, comma)); !part.empty())
      result.emplace_back(part);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size()
                                                       : comma + 1);
  }
  return result;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string result;
  for (auto& x : texts)
    result += (result.empty() ? "" : ",") + x;
  return result;
}

// Asks one question after the other; what is right is in `wizard_checks`.
class questions {
public:
  questions(const wizard_options& options, const settings::environment& env,
            wizard_terminal& terminal)
    : options_(options), env_(env), terminal_(terminal),
      checks_(options, env,
              [&terminal](const std::string& line) { terminal.say(line); }) {}

  answer<wizard_result> run() {
    using step = answer<void> (questions::*)();
    for (step x : {&questions::check_options, &questions::sign_in,
                   &questions::choose_space, &questions::choose_name,
                   &questions::choose_pools, &questions::choose_policy,
                   &questions::choose_comms, &questions::choose_place})
      if (auto done = (this->*x)(); !done)
        return tl::unexpected(done.error());
    if (auto done = checks_.use_credential(); !done)
      return tl::unexpected(done.error());
    return std::move(checks_).take();
  }

private:
  // Takes the option, or asks until `use` is content. `flag` is named when
  // nobody is there to ask.
  template <class Use>
  answer<void> settle(const std::string& given, const char* flag,
                      const std::string& question, const std::string& otherwise,
                      Use use, bool secret = false) {
    if (!given.empty())
      return use(given);
    for (int i = 0; i < max_attempts; ++i) {
      std::string text = otherwise;
      if (terminal_.interactive()) {
        auto said = terminal_.ask(question, secret ? "" : otherwise, secret);
        if (!said)
          return wrong(mistake::option_wrong,
                       std::string{"The input ended at the question for "}
                         + flag + ".");
        text = *said;
      } else if (otherwise.empty()) {
        return wrong(mistake::option_wrong,
                     std::string{"There is no "} + flag
                       + ", and standard input is no terminal to ask. Give the "
                         "option.");
      }
      auto done = use(text);
      if (done || !terminal_.interactive())
        return done;
      terminal_.say("  " + done.error().text);
    }
    return wrong(mistake::option_wrong,
                 std::string{"Too many wrong answers for "} + flag + ".");
  }

  answer<void> check_options() {
    auto format = wizard_checks::check_format(options_.format, options_.chart);
    if (!format)
      return tl::unexpected(format.error());
    return checks_.use_options();
  }

  answer<void> sign_in() {
    auto given = options_.server.empty() ? env_("ServerUrl").value_or("")
                                         : options_.server;
    auto server = settle(
      given, "--server", "Address of the Octopus Server", "",
      [&](const std::string& text) { return checks_.use_server(text); });
    if (!server)
      return server;
    auto who = checks_.given_credentials();
    if (!who)
      return tl::unexpected(who.error());
    if (who->kind() != octopus::credential_kind::none)
      return checks_.sign_in(*who);
    return settle(
      "", "--api-key-file", "API key (or bearer token); it is not shown", "",
      [&](const std::string& text) -> answer<void> {
        auto one = wizard_checks::credentials_of_secret(text);
        if (!one)
          return tl::unexpected(one.error());
        return checks_.sign_in(*one);
      },
      true);
  }

  answer<void> choose_space() {
    auto spaces = checks_.spaces();
    if (!spaces)
      return tl::unexpected(spaces.error());
    std::vector<std::string> names;
    std::string first;
    for (auto& x : *spaces) {
      names.push_back(x.name);
      if (x.is_default)
        first = x.name;
    }
    return settle(options_.space, "--space",
                  "Space, one of " + octopus::listed(names), first,
                  [&](const std::string& text) {
                    return checks_.use_space(*spaces, text);
                  });
  }

  answer<void> choose_name() {
    return settle(options_.name, "--name", "Name of the worker", "",
                  [&](const std::string& text) {
                    return checks_.use_name(text, options_.take_over);
                  });
  }

  answer<void> choose_pools() {
    auto pools = checks_.pools();
    if (!pools)
      return tl::unexpected(pools.error());
    std::vector<std::string> names;
    std::string first;
    for (auto& x : *pools)
      if (x.pool_type != "DynamicWorkerPool") {
        names.push_back(x.name);
        if (x.is_default)
          first = x.name;
      }
    auto create = [&](const std::string& name) {
      if (options_.create_pools || !terminal_.interactive())
        return options_.create_pools;
      auto said
        = terminal_.ask("There is no pool '" + octopus::one_line(name, 80)
                          + "'. Create it (y/n)?",
                        "n", false);
      return said && (*said == "y" || *said == "yes");
    };
    // (a name in an option may have a comma in it)
    if (!options_.pools.empty())
      return checks_.use_pools(*pools, options_.pools, create);
    return settle("", "--pool",
                  "Worker pools, divided by commas, of "
                    + octopus::listed(names),
                  first, [&](const std::string& text) {
                    return checks_.use_pools(*pools, split(text), create);
                  });
  }

  answer<void> choose_policy() {
    auto policies = checks_.policies();
    if (!policies)
      return tl::unexpected(policies.error());
    return checks_.use_policy(*policies, options_.policy);
  }

  answer<void> choose_comms() {
    auto proposal = polling_address_of(checks_.plan().server_url);
    return settle(joined(options_.comms), "--comms",
                  "Polling address, one for each node, divided by commas",
                  proposal.value_or(""), [&](const std::string& text) {
                    return checks_.use_comms(split(text));
                  });
  }

  answer<void> choose_place() {
    auto release
      = settle(options_.release, "--release", "Helm release",
               slug_of(checks_.plan().name), [&](const std::string& text) {
                 return checks_.use_release(text);
               });
    if (!release)
      return release;
    auto place = settle(
      options_.namespace_name, "--namespace", "Namespace",
      namespace_for(checks_.plan().release),
      [&](const std::string& text) { return checks_.use_namespace(text); });
    if (!place)
      return place;
    return checks_.check_cluster(options_.take_over);
  }

  const wizard_options& options_;
  const settings::environment& env_;
  wizard_terminal& terminal_;
  wizard_checks checks_;
};

} // namespace

answer<wizard_result> ask_wizard(const wizard_options& options,
                                 const settings::environment& env,
                                 wizard_terminal& terminal) {
  return questions{options, env, terminal}.run();
}

} // namespace cuttle
