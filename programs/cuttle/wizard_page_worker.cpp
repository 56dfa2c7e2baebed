// The page's calls about the server and what the worker is to be there.

#include "infra/octopus/match.hpp"
#include "programs/cuttle/wizard_page.hpp"
#include "programs/cuttle/wizard_page_body.hpp"

namespace cuttle {

using nlohmann::json;
using octopus::answer;
using octopus::mistake;
using octopus::wrong;

namespace {

// Beside which of the two fields a failed sign-in is told.
const char* field_of_sign_in(mistake what) {
  switch (what) {
  case mistake::credentials_missing:
  case mistake::credentials_unreadable:
  case mistake::credentials_refused:
  case mistake::token_expired:
  case mistake::login_refused:
  case mistake::option_wrong:
    return "credential";
  default:
    return "server";
  }
}

} // namespace

wizard_page::result wizard_page::server(const json& body) {
  auto url = octopus::parse_server_url(text_of(body, "server"));
  if (!url)
    return tl::unexpected(url.error());
  return json{{"server", url->base + "/"}};
}

wizard_page::result wizard_page::sign_in(const json& body) {
  field_ = "server";
  if (auto done = checks_.use_server(text_of(body, "server")); !done)
    return tl::unexpected(done.error());
  field_ = "credential";
  answer<octopus::credentials> who;
  auto kind = text_of(body, "kind");
  if (kind == "given") {
    who = checks_.given_credentials();
  } else if (kind == "password") {
    who->username = text_of(body, "username");
    who->password = text_of(body, "secret");
    if (who->username.empty() || who->password.empty())
      return wrong(mistake::credentials_missing,
                   "A user has a name and a password.");
  } else {
    who = wizard_checks::credentials_of_secret(text_of(body, "secret"));
  }
  if (!who)
    return tl::unexpected(who.error());
  if (auto done = checks_.sign_in(*who); !done) {
    field_ = field_of_sign_in(done.error().what);
    return tl::unexpected(done.error());
  }
  auto spaces = checks_.spaces();
  if (!spaces)
    return tl::unexpected(spaces.error());
  spaces_ = std::move(*spaces);
  return account();
}

// -- the worker ---------------------------------------------------------------

json wizard_page::listed_pools() const {
  json result = json::array();
  for (auto& x : pools_)
    if (x.pool_type != "DynamicWorkerPool")
      result.push_back({{"name", x.name}, {"default", x.is_default}});
  return result;
}

wizard_page::result wizard_page::space(const json& body) {
  if (auto done = checks_.use_space(spaces_, text_of(body, "space")); !done)
    return tl::unexpected(done.error());
  auto pools = checks_.pools();
  if (!pools)
    return tl::unexpected(pools.error());
  auto policies = checks_.policies();
  if (!policies)
    return tl::unexpected(policies.error());
  pools_ = std::move(*pools);
  policies_ = std::move(*policies);
  json names = json::array();
  for (auto& x : policies_)
    names.push_back({{"name", x.name}, {"default", x.is_default}});
  return json{{"space", checks_.plan().space},
              {"pools", listed_pools()},
              {"policies", names}};
}

wizard_page::result wizard_page::name(const json& body) {
  auto text = text_of(body, "name");
  if (auto done = checks_.use_name(text, flag_of(body, "takeOver")); !done)
    return tl::unexpected(done.error());
  auto release = slug_of(text);
  return json{{"release", release}, {"namespace", namespace_for(release)}};
}

wizard_page::result wizard_page::pools(const json& body) {
  auto never = [](const std::string&) { return false; };
  auto done = checks_.use_pools(pools_, texts_of(body, "pools"), never);
  if (!done)
    return tl::unexpected(done.error());
  return json::object();
}

wizard_page::result wizard_page::create_pool(const json& body) {
  auto name = text_of(body, "name");
  auto known = octopus::find_pools(pools_, {name}, checks_.plan().space);
  if (known)
    return wrong(mistake::option_wrong,
                 "There is a pool of that name already.");
  auto made = checks_.create_pool(name);
  if (!made)
    return tl::unexpected(made.error());
  pools_.push_back(*made);
  return json{{"pools", listed_pools()}, {"created", made->name}};
}

wizard_page::result wizard_page::policy(const json& body) {
  if (auto done = checks_.use_policy(policies_, text_of(body, "policy")); !done)
    return tl::unexpected(done.error());
  return json::object();
}

wizard_page::result wizard_page::comms(const json& body) {
  auto addresses = texts_of(body, "comms");
  auto good = wizard_checks::read_addresses(addresses);
  if (!good)
    return tl::unexpected(good.error());
  // Half an address is asked nothing.
  if (!flag_of(body, "ask"))
    return json{{"asked", false}};
  if (auto done = checks_.use_comms(addresses); !done)
    return tl::unexpected(done.error());
  return json{{"asked", true}};
}

} // namespace cuttle
