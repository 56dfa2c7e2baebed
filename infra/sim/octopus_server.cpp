#include "infra/sim/octopus_server.hpp"

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <future>
#include <map>
#include <unordered_map>
#include <utility>

#include "infra/halibut/io_thread_impl.hpp"
#include "infra/sim/script_drive.hpp"
#include "infra/telemetry/log.hpp"
#include "infra/tentacle/client.hpp"

namespace cuttle::sim {

namespace {

using clock = std::chrono::steady_clock;

// The real library's response cache for GetCapabilities.
constexpr std::chrono::seconds capabilities_age{600};

} // namespace

struct octopus_server::impl : std::enable_shared_from_this<impl> {
  // One script with its drive; used on the links' thread only.
  struct script {
    script(boost::asio::io_context& context, std::string where,
           start_script what, script_observer who, drive_settings settings)
      : subscription(std::move(where)), command(std::move(what)),
        observer(std::move(who)), drive(command.ticket, settings),
        timer(context) {}

    std::string subscription;
    start_script command;
    script_observer observer;
    script_drive drive;
    boost::asio::steady_timer timer;
    // Steps still to be done. A call may fail before it returns; what follows
    // from that must come after the steps that are there already.
    std::deque<drive_step> todo;
    bool busy = false;
    // The transport's numbers of the calls under way, by the drive's.
    std::map<std::uint64_t, std::uint64_t> calls;
  };

  using script_ptr = std::shared_ptr<script>;

  struct known_capabilities {
    std::vector<std::string> list;
    clock::time_point until;
  };

  impl(halibut::io_thread& thread, disk::disk_pool& disk_threads,
       crypto::identity who, octopus_server::options opts)
    : io(thread.get()), disk(disk_threads), self(std::move(who)),
      settings(std::move(opts)) {}

  halibut::io_thread::impl& io;
  disk::disk_pool& disk;
  crypto::identity self;
  octopus_server::options settings;
  std::unique_ptr<halibut::polling_client> transport;
  std::unique_ptr<halibut::listening_client> dialler;
  std::atomic<std::uint16_t> port = 0;
  std::unordered_map<std::string, script_ptr> scripts;
  std::unordered_map<std::string, known_capabilities> capabilities;
  bool stopped = false;

  void make_transport(halibut::io_thread& thread);
  std::uint64_t call(const std::string& worker,
                     halibut::outgoing_request request,
                     halibut::result_function on_result);
  void run(std::string subscription, start_script command,
           script_observer observer, clock::time_point queued);
  void cancel(const script_ticket& ticket);
  void stop();

  void proceed(const script_ptr& x, drive_steps steps);
  void act(const script_ptr& x, const drive_action::call& step);
  void act(const script_ptr& x, const drive_action::abandon& step);
  void act(const script_ptr& x, const drive_action::timer& step);
  void act(const script_ptr& x, drive_action::report& step);
  void act(const script_ptr& x, const drive_action::finish& step);
  drive_steps take(const script_ptr& x, const drive_action::call& step,
                   halibut::call_result result);
  drive_steps fails(const script_ptr& x, const drive_action::call& step,
                    const failure& reason);
  drive_settings drive() const;
  static outcome<halibut::outgoing_request>
  make_request(const script& x, const drive_action::call& step);
};

outcome<halibut::outgoing_request>
octopus_server::impl::make_request(const script& x,
                                   const drive_action::call& step) {
  try {
    switch (step.kind) {
    case rpc_kind::capabilities:
      return tentacle::make_get_capabilities();
    case rpc_kind::start:
      return tentacle::make_request(x.command);
    case rpc_kind::status:
      return tentacle::make_request(
        get_status{step.ticket, step.last_sequence});
    case rpc_kind::cancel:
      return tentacle::make_request(
        cancel_script{step.ticket, step.last_sequence});
    case rpc_kind::complete:
      break;
    }
    return tentacle::make_request(complete_script{step.ticket});
  } catch (const std::exception& e) {
    // Such as a file of the command that is gone.
    return fail(errc::invalid_request,
                std::string{"The request could not be made: "} + e.what());
  }
}

void octopus_server::impl::make_transport(halibut::io_thread& thread) {
  halibut::polling_client::options to;
  to.bind = settings.bind;
  to.port = settings.port;
  to.spool = settings.spool;
  to.limits = settings.limits;
  to.on_worker = [weak = weak_from_this()](const std::string& subscription,
                                           bool connected) {
    auto server = weak.lock();
    if (server && !server->stopped && server->settings.on_worker)
      server->settings.on_worker(subscription, connected);
  };
  to.on_trouble = [weak = weak_from_this()](const std::string& reason) {
    auto server = weak.lock();
    if (server && !server->stopped && server->settings.on_trouble)
      server->settings.on_trouble(reason);
  };
  halibut::listening_client::options too;
  too.spool = settings.spool;
  too.limits = settings.limits;
  too.on_trouble = to.on_trouble;
  transport = std::make_unique<halibut::polling_client>(thread, disk, self,
                                                        std::move(to));
  dialler = std::make_unique<halibut::listening_client>(thread, disk, self,
                                                        std::move(too));
}

std::uint64_t octopus_server::impl::call(const std::string& worker,
                                         halibut::outgoing_request request,
                                         halibut::result_function on_result) {
  return worker.starts_with("https://")
           ? dialler->call(worker, std::move(request), std::move(on_result))
           : transport->call(worker, std::move(request), std::move(on_result));
}

drive_settings octopus_server::impl::drive() const {
  drive_settings result;
  result.poll_first = settings.poll_first;
  result.poll_base = settings.poll_base;
  result.poll_ceiling = settings.poll_ceiling;
  result.retry_duration = settings.retry_duration;
  result.keep_bytes = settings.keep_bytes;
  return result;
}

void octopus_server::impl::run(std::string subscription, start_script command,
                               script_observer observer,
                               clock::time_point queued) {
  auto key = command.ticket.key();
  auto refuse = [&](errc code, const char* text) {
    script_result result;
    result.trouble = {code, text};
    result.queued = queued;
    result.ended = clock::now();
    if (observer.on_end)
      observer.on_end(result);
  };
  if (stopped)
    return refuse(errc::shutting_down, "The server was stopped.");
  if (scripts.count(key) > 0)
    return refuse(errc::conflict, "A script with this ticket goes on already.");
  auto x = std::make_shared<script>(io.context, std::move(subscription),
                                    std::move(command), std::move(observer),
                                    drive());
  scripts.emplace(std::move(key), x);
  proceed(x, x->drive.begin(queued));
}

void octopus_server::impl::cancel(const script_ticket& ticket) {
  auto i = scripts.find(ticket.key());
  if (i == scripts.end())
    return;
  auto x = i->second;
  proceed(x, x->drive.cancel(clock::now()));
}

void octopus_server::impl::stop() {
  if (stopped)
    return;
  auto all = std::exchange(scripts, {});
  for (auto& [key, x] : all)
    proceed(x, x->drive.abort({errc::shutting_down, "The server was stopped."},
                              clock::now()));
  stopped = true;
  transport->stop();
  dialler->stop();
}

// -- steps of a script ------------------------------------------------------

void octopus_server::impl::proceed(const script_ptr& x, drive_steps steps) {
  for (auto& step : steps)
    x->todo.push_back(std::move(step));
  if (std::exchange(x->busy, true))
    return;
  while (!x->todo.empty()) {
    auto step = std::move(x->todo.front());
    x->todo.pop_front();
    std::visit([&](auto& what) { act(x, what); }, step);
  }
  x->busy = false;
  if (!x->drive.over())
    return;
  x->timer.cancel();
  auto i = scripts.find(x->command.ticket.key());
  if (i != scripts.end() && i->second == x)
    scripts.erase(i);
}

void octopus_server::impl::act(const script_ptr& x,
                               const drive_action::call& step) {
  if (step.kind == rpc_kind::capabilities) {
    auto i = capabilities.find(x->subscription);
    if (i != capabilities.end() && clock::now() < i->second.until) {
      proceed(x,
              x->drive.on_capabilities(step.id, i->second.list, clock::now()));
      return;
    }
  }
  auto request = make_request(*x, step);
  if (!request) {
    proceed(x, fails(x, step, request.error()));
    return;
  }
  x->calls[step.id] = call(
    x->subscription, std::move(*request),
    [weak = weak_from_this(), x, step,
     due = clock::now()](halibut::call_result result) {
      x->calls.erase(step.id);
      if (step.kind == rpc_kind::status && result && x->observer.on_status)
        x->observer.on_status(
          std::chrono::duration_cast<std::chrono::microseconds>(clock::now()
                                                                - due));
      if (auto server = weak.lock())
        server->proceed(x, server->take(x, step, std::move(result)));
    });
}

void octopus_server::impl::act(const script_ptr& x,
                               const drive_action::abandon& step) {
  auto i = x->calls.find(step.id);
  if (i == x->calls.end())
    return;
  // One of them has it.
  transport->withdraw(i->second);
  dialler->withdraw(i->second);
}

void octopus_server::impl::act(const script_ptr& x,
                               const drive_action::timer& step) {
  x->timer.expires_after(step.delay);
  x->timer.async_wait([weak = weak_from_this(), x,
                       id = step.id](const boost::system::error_code& ec) {
    auto server = weak.lock();
    if (!ec && server)
      server->proceed(x, x->drive.on_timer(id, clock::now()));
  });
}

void octopus_server::impl::act(const script_ptr& x,
                               drive_action::report& step) {
  if (x->observer.on_lines)
    x->observer.on_lines(step.lines, step.state);
}

void octopus_server::impl::act(const script_ptr& x,
                               const drive_action::finish&) {
  if (auto on_end = std::exchange(x->observer, {}).on_end)
    on_end(x->drive.result());
}

drive_steps octopus_server::impl::take(const script_ptr& x,
                                       const drive_action::call& step,
                                       halibut::call_result result) {
  if (!result)
    return fails(x, step, result.error());
  switch (step.kind) {
  case rpc_kind::capabilities: {
    auto list = tentacle::read_capabilities(*result);
    if (!list)
      return fails(x, step, list.error());
    capabilities[x->subscription] = {*list, clock::now() + capabilities_age};
    return x->drive.on_capabilities(step.id, *list, clock::now());
  }
  case rpc_kind::complete: {
    auto nothing = tentacle::read_nothing(*result);
    if (!nothing)
      return fails(x, step, nothing.error());
    return x->drive.on_completed(step.id, clock::now());
  }
  default: {
    auto status = tentacle::read_status(*result);
    if (!status)
      return fails(x, step, status.error());
    return x->drive.on_status(step.id, std::move(*status), clock::now());
  }
  }
}

drive_steps octopus_server::impl::fails(const script_ptr& x,
                                        const drive_action::call& step,
                                        const failure& reason) {
  telemetry::debug("script-call-failed",
                   {{"ticket", step.ticket.task_id}, {"reason", reason.text}});
  return x->drive.on_failure(step.id, reason, clock::now());
}

// -- octopus_server -----------------------------------------------------------

octopus_server::octopus_server(halibut::io_thread& thread,
                               disk::disk_pool& disk, crypto::identity self,
                               options options)
  : impl_(
    std::make_shared<impl>(thread, disk, std::move(self), std::move(options))) {
  impl_->make_transport(thread);
}

octopus_server::~octopus_server() {
  stop();
}

outcome<std::uint16_t> octopus_server::start() {
  auto port = impl_->transport->start();
  if (port)
    impl_->port = *port;
  return port;
}

std::uint16_t octopus_server::port() const {
  return impl_->port;
}

const std::string& octopus_server::thumbprint() const {
  return impl_->self.thumbprint();
}

halibut::polling_client& octopus_server::transport() {
  return *impl_->transport;
}

std::string
octopus_server::add_listening_worker(halibut::worker_endpoint worker) {
  return impl_->dialler->add(std::move(worker));
}

void octopus_server::call(const std::string& worker,
                          halibut::outgoing_request request,
                          halibut::result_function on_result) {
  impl_->call(worker, std::move(request), std::move(on_result));
}

void octopus_server::run(const std::string& subscription, start_script command,
                         script_observer observer) {
  impl_->io.gate->post(
    [self = impl_, subscription, command = std::move(command),
     observer = std::move(observer), queued = clock::now()]() mutable {
      self->run(std::move(subscription), std::move(command),
                std::move(observer), queued);
    });
}

void octopus_server::cancel(const script_ticket& ticket) {
  impl_->io.gate->post([self = impl_, ticket] { self->cancel(ticket); });
}

void octopus_server::restart(std::chrono::milliseconds pause) {
  impl_->transport->pause(pause);
  impl_->dialler->pause(pause);
}

void octopus_server::stop() {
  if (impl_->io.inside()) {
    impl_->stop();
    return;
  }
  auto done = std::make_shared<std::promise<void>>();
  auto job = [self = impl_, done] {
    self->stop();
    done->set_value();
  };
  if (impl_->io.gate->post(job))
    done->get_future().wait();
}

} // namespace cuttle::sim
