#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "infra/octopus/session.hpp"
#include "infra/settings/settings.hpp"
#include "infra/settings/trusted_servers.hpp"
#include "programs/cuttle/wizard.hpp"

namespace cuttle {

/// Says one line that is no answer: a note, or what is waited for.
using wizard_note = std::function<void(const std::string&)>;

/// What the answers to the wizard's questions must be, and the plan that they
/// make: the rules of the terminal and of the page alike
/// (`install-and-register` 1.2, 1.3). Each `use_…` takes one answer: a good one
/// is in the plan afterwards; a wrong one takes what was there out of it, so
/// that no plan holds an answer that was corrected into a wrong one. Blocks,
/// each call for at most some 20 s. One thread at a time.
class wizard_checks {
public:
  /// `note` must stay callable as long as this or its session is used.
  wizard_checks(wizard_options options, settings::environment env,
                wizard_note note);

  /// What the command line alone says: files, chart, access mode, proxy.
  octopus::answer<void> use_options();

  // -- the server -------------------------------------------------------------

  /// Its address; asks nobody.
  octopus::answer<void> use_server(const std::string& text);

  /// Those of the options, else of the environment; kind `none` without.
  octopus::answer<octopus::credentials> given_credentials() const;

  /// An API key, or anything else, which is a bearer token.
  static octopus::answer<octopus::credentials>
  credentials_of_secret(const std::string& text);

  /// Signs in; everything below needs it. What was chosen at another server is
  /// no longer there afterwards.
  octopus::answer<void> sign_in(const octopus::credentials& who);
  bool signed_in() const;

  /// Whether it was with an API key.
  bool has_key() const {
    return !who_.api_key.empty();
  }

  /// The conversation as it is.
  const octopus::session& session() const {
    return *server_;
  }

  /// The conversation, with patience for one more call.
  octopus::session& server();

  // -- what the worker is to be -----------------------------------------------

  octopus::answer<std::vector<octopus::space_document>> spaces();
  octopus::answer<void>
  use_space(const std::vector<octopus::space_document>& all,
            const std::string& text);
  octopus::answer<void> use_name(const std::string& text, bool take_over);

  /// Static pools, and dynamic ones, which take no workers.
  octopus::answer<std::vector<octopus::named>> pools();
  /// `create` is asked about a pool that is not there.
  octopus::answer<void>
  use_pools(std::vector<octopus::named>& all,
            const std::vector<std::string>& wanted,
            const std::function<bool(const std::string&)>& create);
  octopus::answer<octopus::named> create_pool(const std::string& name);

  octopus::answer<std::vector<octopus::named>> policies();
  /// Empty: the default one.
  octopus::answer<void> use_policy(const std::vector<octopus::named>& all,
                                   const std::string& text);

  // -- where it polls ---------------------------------------------------------

  /// Whether these can be polling addresses; asks nobody.
  static octopus::answer<std::vector<settings::host_and_port>>
  read_addresses(const std::vector<std::string>& addresses);
  /// Asks each of them for the server's certificate.
  octopus::answer<void> use_comms(const std::vector<std::string>& addresses);

  // -- the cluster ------------------------------------------------------------

  octopus::answer<void> use_release(const std::string& text);
  octopus::answer<void> use_namespace(const std::string& text);
  octopus::answer<void> use_storage_class(const std::string& text);
  octopus::answer<void> use_access_mode(const std::string& text);
  octopus::answer<void> use_credential_secret(const std::string& text);
  octopus::answer<void> use_chart(const std::string& chart,
                                  const std::string& version);
  void use_namespaced_roles(bool yes);
  /// Whether the namespace has no worker yet; asks only with a kubeconfig.
  octopus::answer<void> check_cluster(bool take_over);

  // -- the result -------------------------------------------------------------

  /// The API key itself, if that is what we signed in with.
  void keep_api_key(bool yes);
  /// What the worker signs in with: the key, the token, or a new token, which
  /// is asked for once in ten minutes.
  octopus::answer<void> use_credential();

  /// Whether the chart can be used that way.
  static octopus::answer<install_format> check_format(std::string_view format,
                                                      std::string_view chart);

  const install_plan& plan() const {
    return plan_;
  }

  /// The plan with a text in place of each secret, which is asked for by
  /// nobody yet.
  install_plan masked_plan(const std::string& mask) const;

  /// The plan and the conversation to go on with; nothing is left here.
  wizard_result take() &&;

private:
  bool keeps_key() const;

  const wizard_options options_;
  const settings::environment env_;
  const wizard_note note_;
  install_plan plan_;
  octopus::server_url url_;
  octopus::credentials who_;
  std::string ca_pem_;
  bool keep_api_key_ = false;
  std::optional<std::chrono::steady_clock::time_point> minted_;
  std::unique_ptr<octopus::session> server_;
};

} // namespace cuttle
