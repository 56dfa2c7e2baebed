#include "infra/runner_link/server.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <future>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "infra/halibut/io_thread_impl.hpp"
#include "infra/halibut/listener.hpp"
#include "infra/runner_link/quiet_log.hpp"
#include "infra/runner_link/session.hpp"

namespace cuttle::runner_link {

namespace asio = boost::asio;

using clock = std::chrono::steady_clock;
using tcp = asio::ip::tcp;

namespace {

/// A connection that has proved nothing for so long gives way when the limit of
/// connections is reached.
constexpr std::chrono::seconds young{1};

constexpr std::size_t longest_ticket = 100;

} // namespace

/// What the sessions' coroutines keep alive.
struct server_core : std::enable_shared_from_this<server_core> {
  server_core(halibut::io_thread& thread, server_options opts)
    : io(thread.get()), options(std::move(opts)), listener(io.context),
      buffer(session::chunk), context(make_worker_context(find_session)) {
    SSL_CTX_set_ex_data(context.get(), 0, this);
  }

  halibut::io_thread::impl& io;
  const server_options options;

  std::mutex mutex;
  /// By `script_ticket::key`. Guarded by the mutex.
  std::unordered_map<std::string, std::shared_ptr<expectation>> expected;

  // Everything below belongs to the links' thread.
  halibut::listener listener;
  std::vector<char> buffer;
  tls_context context;
  std::map<session_id, std::shared_ptr<session>> sessions;
  session_id last_id = 0;
  bool stopping = false;
  std::function<void()> on_ended;
  quiet_log refusals{"runner-link-refused"};
  quiet_log troubles{"runner-link-accept-failed"};

  static int find_session(SSL* connection, const unsigned char* identity,
                          std::size_t size, SSL_SESSION** result);
  std::shared_ptr<expectation> find(std::string_view identity);
  outcome<std::uint16_t> start();
  void stop(std::function<void()> done);
  bool make_place();
  void on_socket(tcp::socket socket);
  asio::awaitable<void> run(std::shared_ptr<session> x);
  void end_session(const std::shared_ptr<expectation>& who);
  void with(session_id id, const std::function<void(session&)>& act);
};

/// Called in a handshake, on the links' thread. Without a session there is
/// nothing to go on with, since there is no certificate: the handshake fails.
int server_core::find_session(SSL* connection, const unsigned char* identity,
                              std::size_t size, SSL_SESSION** result) {
  *result = nullptr;
  auto* self = static_cast<server_core*>(
    SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), 0));
  auto* caller = session::of(connection);
  if (size == 0 || size > longest_ticket)
    return 1;
  try {
    auto who = self->find({reinterpret_cast<const char*>(identity), size});
    if (!who) {
      caller->named_unknown();
      return 1;
    }
    *result = make_psk_session(connection, who->key.value);
    if (*result != nullptr)
      caller->named(std::move(who));
    return *result != nullptr ? 1 : 0;
  } catch (const std::exception&) {
    return 0;
  }
}

std::shared_ptr<expectation> server_core::find(std::string_view identity) {
  script_ticket ticket{std::string{identity}};
  std::lock_guard lock{mutex};
  auto i = expected.find(ticket.key());
  return i == expected.end() ? nullptr : i->second;
}

outcome<std::uint16_t> server_core::start() {
  auto port = listener.open(options.bind, options.port);
  // A kernel without IPv6 has no such address.
  if (!port && options.bind == "::")
    if (auto v4 = listener.open("0.0.0.0", options.port))
      port = v4;
  if (!port)
    return port;
  io.gate->post([self = shared_from_this()] {
    if (self->stopping)
      return;
    asio::co_spawn(self->io.context,
                   self->listener.accept(
                     [self](tcp::socket x) { self->on_socket(std::move(x)); },
                     [self](const failure& x) { self->troubles.warn(x.text); }),
                   asio::detached);
  });
  return port;
}

void server_core::stop(std::function<void()> done) {
  stopping = true;
  listener.close();
  {
    std::lock_guard lock{mutex};
    for (auto& [key, who] : expected)
      who->forgotten = true;
    expected.clear();
  }
  auto all = sessions;
  for (auto& [id, x] : all)
    x->cut({errc::shutting_down, "the worker stops"});
  on_ended = std::move(done);
  if (sessions.empty() && on_ended)
    std::exchange(on_ended, {})();
}

/// Room for one more: a stranger that only occupies a place has to go.
bool server_core::make_place() {
  if (sessions.size() < options.connections)
    return true;
  auto now = clock::now();
  auto idler = std::find_if(sessions.begin(), sessions.end(), [&](auto& x) {
    return !x.second->proven() && now - x.second->since() > young;
  });
  if (idler == sessions.end())
    return false;
  idler->second->cut({errc::overloaded, "it had proved nothing while all "
                                        "connections were in use"});
  sessions.erase(idler);
  return true;
}

void server_core::on_socket(tcp::socket socket) {
  if (stopping)
    return;
  if (!make_place()) {
    refusals.warn("all " + std::to_string(options.connections)
                  + " connections are in use");
    return;
  }
  try {
    auto x = std::make_shared<session>(
      ++last_id, std::move(socket), context.get(),
      session_limits{options.handshake, options.silence},
      std::span<char>{buffer}, io.context);
    sessions.emplace(x->id(), x);
    asio::co_spawn(io.context, run(x), asio::detached);
  } catch (const std::exception& e) {
    troubles.warn(e.what());
  }
}

asio::awaitable<void> server_core::run(std::shared_ptr<session> x) {
  auto self = shared_from_this();
  auto peer = x->peer();
  co_await x->run();
  if (x->refused() && !stopping)
    refusals.warn(x->reason().text, peer);
  sessions.erase(x->id());
  if (sessions.empty() && on_ended)
    std::exchange(on_ended, {})();
}

void server_core::end_session(const std::shared_ptr<expectation>& who) {
  if (auto x = std::exchange(who->current, nullptr))
    x->cut({errc::cancelled, "the script is no longer expected here"});
}

void server_core::with(session_id id,
                       const std::function<void(session&)>& act) {
  io.gate->post([self = shared_from_this(), id, act] {
    auto i = self->sessions.find(id);
    if (i != self->sessions.end())
      act(*i->second);
  });
}

namespace {

class link_server : public server {
public:
  explicit link_server(std::shared_ptr<server_core> core)
    : core_(std::move(core)) {}

  /// After this there is no callback any more.
  ~link_server() override {
    if (core_->io.inside()) {
      core_->stop({});
      return;
    }
    auto ended = std::make_shared<std::promise<void>>();
    auto posted = core_->io.gate->post(
      [core = core_, ended] { core->stop([ended] { ended->set_value(); }); });
    if (posted)
      ended->get_future().wait();
  }

  void expect(const script_ticket& ticket, const crypto::log_key& key,
              callbacks tell) override {
    auto who = std::make_shared<expectation>();
    who->ticket = ticket;
    who->key = key;
    who->tell = std::move(tell);
    std::shared_ptr<expectation> earlier;
    {
      std::lock_guard lock{core_->mutex};
      earlier = std::exchange(core_->expected[ticket.key()], std::move(who));
    }
    retire(std::move(earlier));
  }

  void forget(const script_ticket& ticket) override {
    std::shared_ptr<expectation> earlier;
    {
      std::lock_guard lock{core_->mutex};
      auto node = core_->expected.extract(ticket.key());
      if (!node.empty())
        earlier = std::move(node.mapped());
    }
    retire(std::move(earlier));
  }

  void resume(session_id id, std::int64_t after) override {
    core_->with(id, [after](session& x) { x.resume(after); });
  }

  void set_room(session_id id, bool room) override {
    core_->with(id, [room](session& x) { x.set_room(room); });
  }

  void received(session_id id, std::int64_t number) override {
    core_->with(id, [number](session& x) { x.received(number); });
  }

  void acknowledge(session_id id, std::int64_t number) override {
    core_->with(id, [number](session& x) { x.acknowledge(number); });
  }

private:
  void retire(std::shared_ptr<expectation> who) {
    if (!who)
      return;
    who->forgotten = true;
    core_->io.gate->post(
      [core = core_, who = std::move(who)] { core->end_session(who); });
  }

  std::shared_ptr<server_core> core_;
};

} // namespace

outcome<std::unique_ptr<server>> make_server(halibut::io_thread& thread,
                                             server_options options,
                                             std::uint16_t& port) {
  try {
    auto core = std::make_shared<server_core>(thread, std::move(options));
    auto bound = core->start();
    if (!bound)
      return tl::unexpected(bound.error());
    port = *bound;
    return std::make_unique<link_server>(std::move(core));
  } catch (const std::exception& e) {
    return fail(errc::internal,
                std::string{"the runners' links have no TLS: "} + e.what());
  }
}

} // namespace cuttle::runner_link
