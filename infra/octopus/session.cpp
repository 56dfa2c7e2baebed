#include "infra/octopus/session.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

namespace cuttle::octopus {

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds waits[] = {250ms, 500ms, 1s, 2s, 4s};
constexpr unsigned max_pages = 200;
constexpr auto page_size = "100";
constexpr auto csrf_cookie = "Octopus-Csrf-Token";

/// Whether a request may be sent again.
enum class again { always, unless_sent };

/// Whether an attempt ended only because little time was left for it; what was
/// wrong before says more then.
bool cut_short(const trouble& why, milliseconds limit) {
  return limit < 5s
         && (why.what == mistake::no_answer
             || why.what == mistake::connect_timeout
             || why.what == mistake::proxy_unreachable
             || why.what == mistake::comms_unreachable);
}

std::string first_link(const link_map& preferred, const link_map& other,
                       const char* name, const std::string& fallback) {
  for (auto* links : {&preferred, &other})
    if (auto found = links->find(name); found != links->end())
      return found->second;
  return fallback;
}

} // namespace

credential_kind credentials::kind() const {
  if (!api_key.empty())
    return credential_kind::api_key;
  if (!bearer_token.empty())
    return credential_kind::bearer;
  return username.empty() ? credential_kind::none : credential_kind::password;
}

struct session::impl {
  explicit impl(session_options o)
    : options(std::move(o)), http(options.http),
      until(clock::now() + options.patience),
      token(times_of_token(options.who.bearer_token)) {
    target.what = "the Octopus Server " + options.server.base;
    target.host = options.server.host;
    target.port = options.server.port;
    target.setting = "agent.serverUrl";
    target.proxy = http.proxy_name();
  }

  // -- calls ----------------------------------------------------------------

  std::vector<std::string> headers(const std::string& method) const {
    std::vector<std::string> result;
    switch (options.who.kind()) {
    case credential_kind::api_key:
      result.push_back("X-Octopus-ApiKey: " + options.who.api_key);
      break;
    case credential_kind::bearer:
      result.push_back("Authorization: Bearer " + options.who.bearer_token);
      break;
    case credential_kind::password:
      if (method != "GET")
        if (auto csrf = http.cookie(csrf_cookie); !csrf.empty())
          result.push_back("X-Octopus-Csrf-Token: " + csrf);
      break;
    case credential_kind::none:
      break;
    }
    return result;
  }

  milliseconds left() const {
    return std::chrono::duration_cast<milliseconds>(until - clock::now());
  }

  // One request with its repetitions. `gone` gives a 404 as an empty body.
  answer<std::string> call(const std::string& method, const std::string& link,
                           const std::string& body, const char* what,
                           again how = again::always, bool gone = false) {
    auto url = resolve(options.server, link);
    if (!url)
      return tl::unexpected(url.error());
    std::optional<trouble> before;
    for (std::size_t failures = 0;; ++failures) {
      ++requests;
      auto limit = left();
      auto x = http.send(
        {method, *url, body, headers(method), how == again::unless_sent},
        limit);
      if (x.curl_code == 0 && x.status >= 200 && x.status < 300)
        return std::move(x.body);
      if (gone && x.curl_code == 0 && x.status == 404)
        return std::string{};
      target.now = std::chrono::system_clock::now();
      auto why
        = x.curl_code != 0
            ? transfer_trouble(target, x)
            : status_trouble(target, x, what, options.who.kind(), token.expiry);
      if (before && cut_short(why, limit))
        return tl::unexpected(std::move(*before));
      auto pause = waits[std::min(failures, std::size(waits) - 1)];
      if (!worth_waiting(why.what) || (how == again::unless_sent && x.sent)
          || left() <= pause)
        return tl::unexpected(std::move(why));
      if (options.on_wait)
        options.on_wait(why, pause);
      std::this_thread::sleep_for(pause);
      before = std::move(why);
    }
  }

  answer<std::string> get(const std::string& link, const char* what,
                          bool gone = false) {
    return call("GET", link, {}, what, again::always, gone);
  }

  // All pages of a collection.
  template <class T, class Read>
  answer<std::vector<T>> collect(std::string link, const char* what,
                                 Read read) {
    std::vector<T> result;
    for (unsigned i = 0; i < max_pages && !link.empty(); ++i) {
      auto body = get(link, what);
      if (!body)
        return tl::unexpected(body.error());
      auto page = read(*body);
      if (!page)
        return tl::unexpected(page.error());
      for (auto& x : page->items)
        result.push_back(std::move(x));
      link = std::move(page->next);
    }
    return result;
  }

  std::string space_link(const char* name, const char* path) const {
    return first_link(space_links, root.links, name,
                      "/api/" + space.id + "/" + path);
  }

  // -- sign-in --------------------------------------------------------------

  answer<void> sign_in() {
    nlohmann::json body{
      {"Username", options.who.username},
      {"Password", options.who.password},
      {"RememberMe", false},
      {"State", {{"UsingSecureConnection", options.server.tls}}}};
    auto link
      = first_link(root.links, {}, "SignIn", "/api/users/login{?returnUrl}");
    auto text
      = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    auto done = call("POST", expand(link, {}), text, "sign in");
    if (done)
      return {};
    auto why = done.error();
    auto refused = why.what == mistake::refused
                   || why.what == mistake::credentials_refused
                   || why.what == mistake::not_permitted;
    if (!refused)
      return tl::unexpected(std::move(why));
    return wrong(mistake::login_refused,
                 "The server refused user name and password of '"
                   + one_line(options.who.username, 80)
                   + "'. Check agent.username and agent.password; a user of an "
                     "identity provider needs an API key instead.");
  }

  session_options options;
  http_client http;
  http_target target;
  clock::time_point until;
  token_times token;
  root_document root;
  user_document user;
  space_document space;
  link_map space_links;
  unsigned requests = 0;
};

session::session(session_options options)
  : impl_(std::make_unique<impl>(std::move(options))) {}

session::~session() = default;

answer<void> session::open() {
  auto& x = *impl_;
  auto body = x.get("/api", "read the root document");
  if (!body)
    return tl::unexpected(body.error());
  auto root = read_root(*body);
  if (!root)
    return tl::unexpected(root.error());
  if (auto good = check_version(*root); !good)
    return good;
  x.root = std::move(*root);
  if (x.options.who.kind() == credential_kind::password)
    if (auto done = x.sign_in(); !done)
      return done;
  auto me = x.get(first_link(x.root.links, {}, "CurrentUser", "/api/users/me"),
                  "read the user of the credentials")
              .and_then([](std::string&& text) { return read_user(text); });
  if (!me)
    return tl::unexpected(me.error());
  x.user = std::move(*me);
  return {};
}

const root_document& session::root() const {
  return impl_->root;
}

const user_document& session::user() const {
  return impl_->user;
}

answer<std::vector<space_document>> session::spaces() {
  auto& x = *impl_;
  auto link = first_link(x.user.links, {}, "Spaces",
                         "/api/users/" + escaped(x.user.id) + "/spaces");
  return x.get(expand(link, {}), "list the user's spaces")
    .and_then([](std::string&& body) { return read_spaces(body); });
}

answer<std::string> session::server_thumbprint() {
  auto& x = *impl_;
  auto link = first_link(x.root.links, {}, "CertificateConfiguration",
                         first_link(x.root.links, {}, "Certificates",
                                    "/api/configuration/certificates{/id}"));
  return x
    .get(expand(link, {{"id", "certificate-global"}}),
         "read the server's certificate")
    .and_then([](std::string&& body) { return read_thumbprint(body); });
}

answer<void> session::enter(const space_document& space) {
  auto& x = *impl_;
  auto link
    = first_link(space.links, {}, "SpaceHome", "/api/" + escaped(space.id));
  auto links = x.get(expand(link, {}), "enter the space")
                 .and_then([](std::string&& body) {
                   return read_links(body, "the space");
                 });
  if (!links)
    return tl::unexpected(links.error());
  x.space = space;
  x.space_links = std::move(*links);
  return {};
}

const space_document& session::space() const {
  return impl_->space;
}

answer<std::vector<named>> session::pools() {
  auto link = expand(impl_->space_link("WorkerPools", "workerpools{?take}"),
                     {{"take", page_size}});
  return impl_->collect<named>(link, "list worker pools", [](auto& body) {
    return read_named(body, "worker pools");
  });
}

answer<std::vector<named>> session::policies() {
  auto link
    = expand(impl_->space_link("MachinePolicies", "machinepolicies{?take}"),
             {{"take", page_size}});
  return impl_->collect<named>(link, "list machine policies", [](auto& body) {
    return read_named(body, "machine policies");
  });
}

answer<std::vector<worker_document>>
session::workers_named(const std::string& name) {
  auto link = expand(impl_->space_link("Workers", "workers{?take,name}"),
                     {{"take", page_size}, {"name", name}});
  return impl_->collect<worker_document>(link, "list workers", &read_workers);
}

answer<std::vector<worker_document>>
session::workers_with(const std::string& thumbprint) {
  auto link = expand(impl_->space_link("Workers", "workers{?take,thumbprint}"),
                     {{"take", page_size}, {"thumbprint", thumbprint}});
  auto found
    = impl_->collect<worker_document>(link, "list workers", &read_workers);
  // An old server ignores a filter that it does not know.
  if (found)
    std::erase_if(*found, [&](auto& x) { return x.thumbprint != thumbprint; });
  return found;
}

answer<std::optional<worker_document>> session::worker(const std::string& id) {
  auto link
    = expand(impl_->space_link("Workers", "workers{/id}"), {{"id", id}});
  auto body = impl_->get(link, "read the worker", true);
  if (!body)
    return tl::unexpected(body.error());
  if (body->empty())
    return std::nullopt;
  auto read = read_worker(*body);
  if (!read)
    return tl::unexpected(read.error());
  return std::optional{std::move(*read)};
}

answer<worker_document> session::create_worker(const std::string& body) {
  auto link = expand(impl_->space_link("Workers", "workers"), {});
  return impl_
    ->call("POST", link, body, "create the worker", again::unless_sent)
    .and_then([](std::string&& text) { return read_worker(text); });
}

answer<worker_document> session::update_worker(const std::string& self,
                                               const std::string& body) {
  return impl_->call("PUT", expand(self, {}), body, "update the worker")
    .and_then([](std::string&& text) { return read_worker(text); });
}

answer<void> session::delete_worker(const worker_document& worker) {
  auto self = worker.self.empty()
                ? expand(impl_->space_link("Workers", "workers{/id}"),
                         {{"id", worker.id}})
                : expand(worker.self, {});
  return impl_
    ->call("DELETE", self, {}, "delete the worker", again::always, true)
    .map([](const std::string&) {});
}

answer<named> session::create_pool(const std::string& name) {
  nlohmann::json body{{"Name", name},
                      {"SpaceId", impl_->space.id},
                      {"WorkerPoolType", "StaticWorkerPool"}};
  auto text
    = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  auto link = expand(impl_->space_link("WorkerPools", "workerpools"), {});
  auto made
    = impl_
        ->call("POST", link, text, "create the worker pool", again::unless_sent)
        .and_then([](std::string&& answer_text) {
          // One object reads like a list of one.
          return read_named("[" + answer_text + "]", "the new pool");
        });
  if (!made)
    return tl::unexpected(made.error());
  if (made->items.empty())
    return wrong(mistake::answer_wrong,
                 "The server created no worker pool, and did not say why.");
  return std::move(made->items.front());
}

answer<std::string> session::mint_token() {
  auto& x = *impl_;
  auto link
    = first_link(x.user.links, {}, "AccessToken", "/api/users/access-token");
  return x.call("POST", expand(link, {}), "{}", "get an access token")
    .and_then([](std::string&& body) { return read_access_token(body); });
}

void session::extend(milliseconds patience) {
  impl_->until = clock::now() + patience;
}

unsigned session::requests() const {
  return impl_->requests;
}

answer<std::string> probe_comms(const std::string& host, std::uint16_t port,
                                const http_proxy& proxy,
                                milliseconds patience) {
  auto until = clock::now() + patience;
  auto literal = host.find(':') == std::string::npos ? host : "[" + host + "]";
  auto address = "https://" + literal + ":" + std::to_string(port);
  http_options options;
  options.proxy = proxy;
  options.verify = false;
  options.body_bytes = 64 * 1024;
  http_target to;
  to.what = "the polling address " + address;
  to.host = host;
  to.port = port;
  to.setting = "agent.serverCommsAddresses";
  std::optional<trouble> before;
  for (std::size_t failures = 0;; ++failures) {
    http_client http{options};
    to.proxy = http.proxy_name();
    to.now = std::chrono::system_clock::now();
    auto left = std::chrono::duration_cast<milliseconds>(until - clock::now());
    auto x = http.send({"POST", address + "/handshake", {}, {}, true}, left);
    if (x.status == 200 || x.status == 400)
      return x.tls.thumbprint;
    trouble why;
    if (x.curl_code == 0) {
      why = {mistake::comms_wrong_port,
             "At " + to.what
               + " answers something else than an Octopus "
                 "Server's polling port (HTTP "
               + std::to_string(x.status)
               + "). Check host and port in agent.serverCommsAddresses; a "
                 "self-hosted server has 10943, Octopus Cloud the host "
                 "polling.<instance>.octopus.app with 443."};
    } else {
      why = transfer_trouble(to, x);
      if (why.what == mistake::tls_failed
          || why.what == mistake::connection_cut)
        why.what = mistake::comms_wrong_port;
      else if (worth_waiting(why.what)
               && why.what != mistake::proxy_unreachable)
        why.what = mistake::comms_unreachable;
    }
    if (before && cut_short(why, left))
      return tl::unexpected(std::move(*before));
    auto pause = waits[std::min(failures, std::size(waits) - 1)];
    left = std::chrono::duration_cast<milliseconds>(until - clock::now());
    if (!worth_waiting(why.what) || left <= pause)
      return tl::unexpected(std::move(why));
    std::this_thread::sleep_for(pause);
    before = std::move(why);
  }
}

} // namespace cuttle::octopus
