#include "infra/halibut/polling_client.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "infra/halibut/polling_client_impl.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle::halibut {

std::string canonical_subscription(std::string text) {
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  if (!text.ends_with('/'))
    text += '/';
  return text;
}

polling_client::impl::impl(io_thread& thread, disk::disk_pool& pool,
                           crypto::identity own, polling_client::options opts)
  : client_base(thread, pool, std::move(own), opts.limits, opts.on_trouble),
    options(std::move(opts)), listener(io.context) {
  for (auto& x : options.trusted)
    trusted.insert(crypto::normalise_thumbprint(x));
}

outcome<std::uint16_t> polling_client::impl::start() {
  auto port = listener.open(options.bind, options.port, self, tls);
  if (!port)
    return port;
  io.gate->post([self = shared()] {
    if (!self->stopped)
      self->spawn(self->listener.accept(
        [self](tcp::socket x) { self->on_socket(std::move(x)); },
        [self](const failure& x) { self->trouble(x); }));
  });
  return port;
}

void polling_client::impl::stop() {
  if (stopped)
    return;
  stopped = true;
  listener.close();
  cut_all(client_stops());
  for (auto& [key, queue] : queues)
    queue.calls.fail_all(client_stops());
}

void polling_client::impl::pause(std::chrono::milliseconds how_long) {
  if (stopped)
    return;
  listener.pause(how_long);
  cut_all({errc::unavailable, "the server restarts"});
}

void polling_client::impl::withdraw(std::uint64_t number) {
  for (auto& [key, queue] : queues)
    if (queue.calls.withdraw(number))
      return;
  for (auto& x : links)
    if (x->call == number) {
      x->link->cut({errc::unavailable, "the call was withdrawn"});
      x->wake.notify();
    }
}

void polling_client::impl::cut_all(const failure& reason) {
  for (auto& x : links) {
    x->link->cut(reason);
    x->wake.notify();
  }
}

/// Whoever has longest not said who it is gives way to another; false when
/// there is nobody like that.
bool polling_client::impl::make_place() {
  std::shared_ptr<worker_link> oldest;
  for (auto& x : links)
    if (x->thumbprint.empty() && (!oldest || x->number < oldest->number))
      oldest = x;
  if (!oldest)
    return false;
  oldest->link->cut({errc::overloaded, "it had not said who it is while all "
                                       "connections were in use"});
  links.erase(oldest);
  return true;
}

void polling_client::impl::on_socket(tcp::socket socket) {
  if (links.size() >= limits.connections && !make_place()) {
    trouble({errc::overloaded, "a connection was refused: there are "
                                 + std::to_string(links.size()) + " already"});
    return;
  }
  auto x = std::make_shared<worker_link>(io.context);
  x->number = ++link_counter;
  x->link = std::make_shared<transport>(std::move(socket), *tls);
  links.insert(x);
  spawn(run(x));
}

// -- the queue ----------------------------------------------------------------

void polling_client::impl::enqueue(const std::string& subscription,
                                   std::shared_ptr<pending_call> call) {
  if (stopped)
    return finish(*call, tl::unexpected(client_stops()));
  auto& queue = queues[canonical_subscription(subscription)];
  queue.calls.push(std::move(call), limits);
  wake_one(queue);
}

void polling_client::impl::wake_one(subscription_queue& queue) {
  if (queue.calls.empty() || queue.waiting.empty())
    return;
  auto x = queue.waiting.front();
  queue.waiting.pop_front();
  x->wake.notify();
}

void polling_client::impl::count(const std::string& subscription,
                                 bool connected) {
  {
    std::lock_guard lock{counts_mutex};
    auto& x = counts[subscription];
    connected ? ++x : --x;
  }
  if (abandoned || !options.on_worker)
    return;
  try {
    options.on_worker(subscription, connected);
  } catch (const std::exception& e) {
    telemetry::error("worker-handler-threw", {{"what", e.what()}});
  }
}

// -- the class ----------------------------------------------------------------

polling_client::polling_client(io_thread& thread, disk::disk_pool& disk,
                               crypto::identity self, options options)
  : impl_(std::make_shared<impl>(thread, disk, std::move(self),
                                 std::move(options))) {}

polling_client::~polling_client() {
  abandon(impl_);
}

outcome<std::uint16_t> polling_client::start() {
  return impl_->start();
}

void polling_client::trust(const std::string& thumbprint) {
  impl_->io.gate->post(
    [impl = impl_, name = crypto::normalise_thumbprint(thumbprint)] {
      impl->trusted.insert(name);
    });
}

void polling_client::distrust(const std::string& thumbprint) {
  impl_->io.gate->post(
    [impl = impl_, name = crypto::normalise_thumbprint(thumbprint)] {
      impl->trusted.erase(name);
      for (auto& x : impl->links)
        if (x->thumbprint == name) {
          x->link->cut({errc::unavailable,
                        "the worker's certificate is not trusted any more"});
          x->wake.notify();
        }
    });
}

std::uint64_t polling_client::call(const std::string& subscription,
                                   outgoing_request request,
                                   result_function on_result) {
  auto call = impl_->make_call(std::move(request), std::move(on_result));
  auto number = call->number;
  impl_->io.gate->post(
    [impl = impl_, subscription, call] { impl->enqueue(subscription, call); });
  return number;
}

void polling_client::withdraw(std::uint64_t call) {
  impl_->io.gate->post([impl = impl_, call] { impl->withdraw(call); });
}

std::size_t polling_client::connections(const std::string& subscription) const {
  std::lock_guard lock{impl_->counts_mutex};
  auto i = impl_->counts.find(canonical_subscription(subscription));
  return i == impl_->counts.end() ? 0 : i->second;
}

void polling_client::drop_connections() {
  impl_->io.gate->post([impl = impl_] {
    impl->cut_all({errc::unavailable, "the server dropped its connections"});
  });
}

void polling_client::pause(std::chrono::milliseconds how_long) {
  impl_->io.gate->post([impl = impl_, how_long] { impl->pause(how_long); });
}

void polling_client::stop() {
  stop_client(impl_);
}

} // namespace cuttle::halibut
