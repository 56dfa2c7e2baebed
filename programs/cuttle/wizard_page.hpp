#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <vector>

#include "infra/web/local_site.hpp"
#include "programs/cuttle/wizard_checks.hpp"
#include "programs/cuttle/wizard_progress.hpp"

namespace cuttle {

/// The calls of the wizard's page: each takes what a person has entered, lets
/// `wizard_checks` judge it, and says what is wrong beside which field.
/// Answers: `{"ok": true, …}`, or `{"ok": false, "field": …, "mistake": …,
/// "text": …}`; a call that no page of ours makes gets a status of 4xx. No
/// answer but that of `command` with `secrets` holds a credential. Blocks; one
/// thread at a time.
class wizard_page {
public:
  wizard_page(wizard_options options, const settings::environment& env);

  /// One call, by its name and its body's text.
  web::site_reply call(const std::string& name, const std::string& body);

  /// The port that the options name.
  std::uint16_t port() const {
    return options_.port;
  }

  /// Whether the last `run` is to be carried out now.
  bool wants_to_install() const {
    return install_;
  }

  /// Carries it out. Blocks for up to the options' timeout.
  void install(wizard_progress& progress, std::stop_token stop);

  /// Whether the person is done.
  bool done() const {
    return done_;
  }

private:
  using json = nlohmann::json;
  /// What a call is answered with; the status of HTTP is 200.
  using result = octopus::answer<json>;

  result open(const json& body);
  result server(const json& body);
  result sign_in(const json& body);
  result space(const json& body);
  result name(const json& body);
  result pools(const json& body);
  result create_pool(const json& body);
  result policy(const json& body);
  result comms(const json& body);
  result place(const json& body);
  result storage(const json& body);
  result credential(const json& body);
  result chart(const json& body);
  result command(const json& body);
  result run(const json& body);
  result close(const json& body);

  json given() const;
  json account() const;
  json listed_pools() const;
  void look_for_tools();
  /// What is not answered yet.
  octopus::answer<void> complete();

  const wizard_options options_;
  const settings::environment env_;
  std::shared_ptr<std::vector<std::string>> notes_;
  wizard_checks checks_;
  std::vector<octopus::space_document> spaces_;
  std::vector<octopus::named> pools_;
  std::vector<octopus::named> policies_;
  /// Which field the call in hand is about.
  std::string field_;
  json tools_;
  /// The cluster that a person has seen the name of.
  std::string context_;
  bool install_ = false;
  bool done_ = false;
};

} // namespace cuttle
