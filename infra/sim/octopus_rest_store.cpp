#include "infra/sim/octopus_rest_store.hpp"

#include <algorithm>

#include "infra/sim/octopus_rest_text.hpp"

namespace cuttle::sim {

namespace {

std::string slug_of(const std::string& name) {
  // Letters and digits, with one hyphen for what is between them.
  std::string result;
  for (auto c : rest_lower(name))
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
      result += c;
    else if (!result.empty() && result.back() != '-')
      result += '-';
  while (result.ends_with('-'))
    result.pop_back();
  return result;
}

} // namespace

octopus_rest_store::octopus_rest_store(octopus_rest::options options)
  : options_(std::move(options)) {
  auto id = add_space("Default");
  add_pool(id, "Default Worker Pool", false);
  add_policy(id, "Default Machine Policy", "NeverUpdate");
  add_user({});
}

// -- content ----------------------------------------------------------------

std::string octopus_rest_store::next_id(const std::string& kind) {
  return kind + "-" + std::to_string(++ids_[kind]);
}

std::string octopus_rest_store::add_user(const octopus_rest::user& who) {
  auto id = next_id("Users");
  if (!who.token.empty())
    tokens_[who.token] = id;
  users_.push_back({id, who});
  return id;
}

std::string octopus_rest_store::add_space(const std::string& name) {
  spaces_.push_back({next_id("Spaces"), name, {}, {}, {}});
  return spaces_.back().id;
}

std::string octopus_rest_store::add_pool(const std::string& in,
                                         const std::string& name,
                                         bool dynamic) {
  auto id = next_id("WorkerPools");
  for (auto& x : spaces_)
    if (x.id == in)
      x.pools.push_back({{"Id", id},
                         {"Name", name},
                         {"Slug", slug_of(name)},
                         {"SpaceId", in},
                         {"IsDefault", x.pools.empty()},
                         {"WorkerPoolType",
                          dynamic ? "DynamicWorkerPool" : "StaticWorkerPool"}});
  return id;
}

std::string octopus_rest_store::add_policy(const std::string& in,
                                           const std::string& name,
                                           const std::string& behaviour) {
  auto id = next_id("MachinePolicies");
  for (auto& x : spaces_)
    if (x.id == in)
      x.policies.push_back({{"Id", id},
                            {"Name", name},
                            {"SpaceId", in},
                            {"IsDefault", x.policies.empty()},
                            {"MachineUpdatePolicy",
                             {{"KubernetesAgentUpdateBehavior", behaviour}}}});
  return id;
}

std::string octopus_rest_store::add_worker(const std::string& in, json worker) {
  auto id = next_id("Workers");
  worker["Id"] = id;
  for (auto& x : spaces_)
    if (x.id == in)
      x.workers.push_back(worker);
  return id;
}

std::vector<std::string>
octopus_rest_store::workers(const std::string& in) const {
  std::vector<std::string> result;
  for (auto& x : spaces_)
    if (x.id == in)
      for (auto& worker : x.workers)
        result.push_back(worker_document(x, worker).dump());
  return result;
}

// -- requests ---------------------------------------------------------------

rest_reply octopus_rest_store::handle(const rest_request& request) {
  std::string_view target = request.target;
  auto question = target.find('?');
  auto path = target.substr(0, question);
  call x{request, {}, {}, nullptr};
  if (question != std::string_view::npos)
    for (auto part : rest_split(target.substr(question + 1), '&')) {
      auto equals = part.find('=');
      x.query[rest_unescaped(part.substr(0, equals))]
        = equals == std::string_view::npos
            ? std::string{}
            : rest_unescaped(part.substr(equals + 1));
    }
  if (path == "/handshake")
    return rest_refusal(400, "Client certificate required.");
  if (!path.starts_with(options_.prefix))
    return {404, "<html>nothing here</html>", {}, "text/html"};
  for (auto part : rest_split(path.substr(options_.prefix.size()), '/'))
    x.path.push_back(rest_unescaped(part));
  if (x.path.empty() || rest_lower(x.path[0]) != "api")
    return {200, "<html>the portal</html>", {}, "text/html"};
  auto result = route(x);
  auto now = std::chrono::system_clock::to_time_t(
    std::chrono::system_clock::now() + std::chrono::seconds{clock_skew});
  char text[64];
  tm parts{};
  gmtime_r(&now, &parts);
  strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  result.headers.emplace("Date", text);
  return result;
}

rest_reply octopus_rest_store::route(const call& in) {
  auto x = in;
  auto size = x.path.size();
  if (size == 1)
    return root();
  if (size == 3 && x.path[1] == "users" && x.path[2] == "login")
    return login(x);
  x.user = authenticate(x.request);
  if (x.user == nullptr)
    return rest_refusal(401, "You must be signed in to request this resource.");
  if (x.path[1] == "users")
    return route_user(x);
  if (size == 4 && x.path[1] == "configuration"
      && x.path[3] == "certificate-global")
    return rest_document(200, {{"Id", "certificate-global"},
                               {"Name", "OctopusServer"},
                               {"Thumbprint", options_.thumbprint}});
  for (auto& where : spaces_)
    if (where.id == x.path[1]) {
      if (!may_enter(*x.user, where.id))
        return rest_refusal(403,
                            "You do not have permission to view this space.");
      return route_space(x, where);
    }
  return rest_missing(x.request.target);
}

rest_reply octopus_rest_store::root() const {
  auto api = options_.prefix + "/api";
  return rest_document(
    200, {{"Application", "Octopus Deploy"},
          {"Version", options_.version},
          {"ApiVersion", options_.api_version},
          {"InstallationId", "embedded"},
          {"Links",
           {{"Self", api},
            {"CurrentUser", api + "/users/me"},
            {"SignIn", api + "/users/login{?returnUrl}"},
            {"CertificateConfiguration",
             api + "/configuration/certificates{/id}{?skip,take}"}}}});
}

const octopus_rest_store::account*
octopus_rest_store::authenticate(const rest_request& request) const {
  auto key = rest_header(request, "x-octopus-apikey");
  auto bearer = rest_header(request, "authorization");
  std::string id;
  if (bearer.starts_with("Bearer ")) {
    if (auto found = tokens_.find(bearer.substr(7)); found != tokens_.end())
      id = found->second;
  } else if (auto found = sessions_.find(
               rest_cookie(request, "OctopusIdentificationToken"));
             found != sessions_.end()) {
    auto& [user, csrf] = found->second;
    if (request.method == "GET"
        || rest_header(request, "x-octopus-csrf-token") == csrf)
      id = user;
  }
  for (auto& x : users_)
    if (x.id == id || (!key.empty() && x.who.api_key == key))
      return &x;
  return nullptr;
}

rest_reply octopus_rest_store::login(const call& x) {
  auto body = json::parse(x.request.body, nullptr, false);
  for (auto& user : users_)
    if (rest_lower(user.who.name) == rest_lower(rest_text(body, "Username"))
        && user.who.password == rest_text(body, "Password")) {
      auto number = std::to_string(sessions_.size() + 1);
      auto session = "session" + number;
      auto csrf = "csrf%7c" + number;
      sessions_[session] = {user.id, csrf};
      auto result
        = rest_document(200, {{"Id", user.id}, {"Username", user.who.name}});
      result.headers.emplace("Set-Cookie",
                             "OctopusIdentificationToken_embedded=" + session
                               + "; path=/; HttpOnly");
      result.headers.emplace("Set-Cookie", "Octopus-Csrf-Token_embedded=" + csrf
                                             + "; path=/");
      return result;
    }
  return rest_refusal(400, "Invalid username or password.");
}

bool octopus_rest_store::may_enter(const account& who,
                                   const std::string& id) const {
  auto& some = who.who.spaces;
  return some.empty() || std::find(some.begin(), some.end(), id) != some.end();
}

rest_reply octopus_rest_store::route_user(const call& x) {
  auto api = options_.prefix + "/api/users/" + x.user->id;
  auto self
    = x.path.size() > 2 && (x.path[2] == "me" || x.path[2] == x.user->id);
  if (!self)
    return rest_missing(x.request.target);
  if (x.path.size() == 3)
    return rest_document(200, {{"Id", x.user->id},
                               {"Username", x.user->who.name},
                               {"DisplayName", x.user->who.name},
                               {"Links",
                                {{"Self", api},
                                 {"Spaces", api + "/spaces"},
                                 {"AccessToken", api + "/access-token"}}}});
  if (x.path[3] == "spaces") {
    auto list = json::array();
    for (auto& where : spaces_)
      if (may_enter(*x.user, where.id))
        list.push_back(space_document(where));
    return rest_document(200, list);
  }
  if (x.path[3] == "access-token" && x.request.method == "POST") {
    auto token = "minted-" + std::to_string(tokens_.size() + 1);
    tokens_[token] = x.user->id;
    return rest_document(200, {{"AccessToken", token}});
  }
  return rest_missing(x.request.target);
}

nlohmann::json octopus_rest_store::space_document(const space& x) const {
  return {{"Id", x.id},
          {"Name", x.name},
          {"Slug", slug_of(x.name)},
          {"IsDefault", x.id == spaces_.front().id},
          {"Links", {{"SpaceHome", options_.prefix + "/api/" + x.id}}}};
}

rest_reply octopus_rest_store::route_space(const call& x, space& where) {
  auto api = options_.prefix + "/api/" + where.id;
  if (x.path.size() == 2)
    return rest_document(
      200,
      {{"Links",
        {{"Workers", api
                       + "/workers{/id}{?skip,take,name,ids,partialName,"
                         "isDisabled,healthStatuses,commStyles,workerpoolIds,"
                         "thumbprint}"},
         {"WorkerPools", api + "/workerpools{/id}{?skip,take,ids,partialName}"},
         {"MachinePolicies", api + "/machinepolicies{/id}{?skip,take}"}}}});
  auto& kind = x.path[2];
  if (kind == "workers")
    return workers_of(x, where);
  if (kind == "workerpools" && x.request.method == "POST") {
    auto name = rest_text(json::parse(x.request.body, nullptr, false), "Name");
    if (name.empty())
      return rest_refusal(400, "Please provide a value for 'Name'.");
    auto id = add_pool(where.id, name, false);
    return rest_document(201, *rest_by_id(where.pools, id));
  }
  if (kind == "workerpools") {
    if (!x.user->who.list_pools)
      return rest_refusal(403,
                          "You do not have permission to perform this action. "
                          "Please contact your Octopus administrator. Missing "
                          "permission: WorkerView");
    return x.path.size() > 3 && x.path[3] == "all"
             ? rest_document(200, where.pools)
             : list(x, where.pools);
  }
  if (kind == "machinepolicies")
    return list(x, where.policies);
  return rest_missing(x.request.target);
}

rest_reply octopus_rest_store::list(const call& x,
                                    const std::vector<json>& items) const {
  auto number = [&](const char* name, std::size_t otherwise) -> std::size_t {
    auto found = x.query.find(name);
    if (found == x.query.end() || found->second.empty()
        || found->second.size() > 6
        || found->second.find_first_not_of("0123456789") != std::string::npos)
      return otherwise;
    return std::stoul(found->second);
  };
  auto skip = std::min(number("skip", 0), items.size());
  // A server gives what it likes of what is asked for.
  auto take = std::min(number("take", options_.page_size), options_.page_size);
  auto last = std::min(items.size(), skip + take);
  json result{{"TotalResults", items.size()},
              {"ItemsPerPage", take},
              {"Items", json::array()},
              {"Links", json::object()}};
  for (auto i = skip; i < last; ++i)
    result["Items"].push_back(items[i]);
  if (last < items.size()) {
    auto path = x.request.target.substr(0, x.request.target.find('?'));
    auto next = path + "?skip=" + std::to_string(last);
    for (auto& [name, value] : x.query)
      if (name != "skip")
        next += "&" + name + "=" + value;
    result["Links"]["Page.Next"] = next;
  }
  return rest_document(200, result);
}

} // namespace cuttle::sim
