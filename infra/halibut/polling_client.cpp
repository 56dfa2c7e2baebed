#include "infra/halibut/polling_client.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <future>
#include <utility>

#include "infra/halibut/polling_client_impl.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle::halibut {

namespace asio = boost::asio;

using boost::system::error_code;

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
  : io(thread.get()), disk(pool), self(std::move(own)),
    options(std::move(opts)), listener(io.context) {
  for (auto& x : options.trusted)
    trusted.insert(crypto::normalise_thumbprint(x));
}

outcome<std::uint16_t> polling_client::impl::start() {
  auto port = listener.open(options.bind, options.port, self, tls);
  if (!port)
    return port;
  io.gate->post([self = shared_from_this()] {
    if (!self->stopped)
      self->spawn(self->listener.accept(
        [self](tcp::socket x) { self->on_socket(std::move(x)); },
        [self](const failure& x) { self->trouble(x); }));
  });
  return port;
}

void polling_client::impl::spawn(asio::awaitable<void> routine) {
  ++running;
  asio::co_spawn(io.context, std::move(routine),
                 [self = shared_from_this()](std::exception_ptr error) {
                   if (error)
                     telemetry::error("client-link-threw");
                   --self->running;
                   if (self->running == 0 && self->stopped && self->on_ended)
                     std::exchange(self->on_ended, {})();
                 });
}

void polling_client::impl::stop() {
  if (stopped)
    return;
  stopped = true;
  listener.close();
  cut_all({errc::unavailable, "the server was stopped"});
  for (auto& [key, queue] : queues) {
    auto left = std::exchange(queue.calls, {});
    for (auto& call : left)
      finish(*call, fail(errc::unavailable, "the server was stopped"));
  }
}

void polling_client::impl::pause(std::chrono::milliseconds how_long) {
  if (stopped)
    return;
  listener.pause(how_long);
  cut_all({errc::unavailable, "the server restarts"});
}

void polling_client::impl::withdraw(std::uint64_t number) {
  for (auto& [key, queue] : queues) {
    auto i = std::find_if(queue.calls.begin(), queue.calls.end(),
                          [&](auto& x) { return x->number == number; });
    if (i == queue.calls.end())
      continue;
    auto call = std::move(*i);
    queue.calls.erase(i);
    finish(*call, fail(errc::cancelled, "the call was withdrawn"));
    return;
  }
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
  if (links.size() >= options.limits.connections && !make_place()) {
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
    return finish(*call, fail(errc::unavailable, "the server was stopped"));
  auto key = canonical_subscription(subscription);
  auto& queue = queues[key];
  if (queue.calls.size() >= options.limits.queued_requests)
    return finish(*call, fail(errc::overloaded,
                              std::to_string(queue.calls.size())
                                + " requests wait for the worker already"));
  call->timer.expires_after(options.limits.queue_timeout);
  call->timer.async_wait(
    [weak = weak_from_this(), key,
     weak_call = std::weak_ptr{call}](const error_code& error) {
      auto self = weak.lock();
      auto late = weak_call.lock();
      if (!error && self && late)
        self->expire(key, late);
    });
  queue.calls.push_back(std::move(call));
  wake_one(queue);
}

void polling_client::impl::expire(const std::string& key,
                                  const std::shared_ptr<pending_call>& call) {
  auto place = queues.find(key);
  if (place == queues.end())
    return;
  auto& calls = place->second.calls;
  auto i = std::find(calls.begin(), calls.end(), call);
  if (i == calls.end())
    return;
  calls.erase(i);
  finish(*call, fail(errc::deadline_exceeded,
                     "no worker collected the request within "
                       + std::to_string(options.limits.queue_timeout.count())
                       + " ms"));
}

void polling_client::impl::wake_one(subscription_queue& queue) {
  if (queue.calls.empty() || queue.waiting.empty())
    return;
  auto x = queue.waiting.front();
  queue.waiting.pop_front();
  x->wake.notify();
}

void polling_client::impl::finish(pending_call& call, call_result result) {
  call.timer.cancel();
  auto on_result = std::exchange(call.on_result, {});
  if (!on_result)
    return;
  try {
    on_result(std::move(result));
  } catch (const std::exception& e) {
    telemetry::error("call-handler-threw", {{"what", e.what()}});
  }
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

void polling_client::impl::trouble(const failure& reason) {
  telemetry::debug("client-trouble", {{"reason", reason.text}});
  if (abandoned || stopped || !options.on_trouble)
    return;
  try {
    options.on_trouble(reason.text);
  } catch (const std::exception& e) {
    telemetry::error("trouble-handler-threw", {{"what", e.what()}});
  }
}

// -- the class ----------------------------------------------------------------

polling_client::polling_client(io_thread& thread, disk::disk_pool& disk,
                               crypto::identity self, options options)
  : impl_(std::make_shared<impl>(thread, disk, std::move(self),
                                 std::move(options))) {}

polling_client::~polling_client() {
  if (impl_->io.inside()) {
    impl_->abandoned = true;
    impl_->stop();
    return;
  }
  // Whatever still runs uses the disk pool and the callbacks' targets, which
  // may be gone right after this.
  auto ended = std::make_shared<std::promise<void>>();
  auto posted = impl_->io.gate->post([impl = impl_, ended] {
    impl->abandoned = true;
    impl->stop();
    if (impl->running == 0)
      ended->set_value();
    else
      impl->on_ended = [ended] { ended->set_value(); };
  });
  if (posted)
    ended->get_future().wait();
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
                                   std::function<void(call_result)> on_result) {
  auto call = std::make_shared<pending_call>(impl_->io.context);
  call->activity = make_guid();
  auto number = ++impl_->call_counter;
  call->number = number;
  call->id = request.service + "::" + request.method + "Async["
             + std::to_string(number) + "] / " + to_string(call->activity);
  call->request = std::move(request);
  call->on_result = std::move(on_result);
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
  if (impl_->io.inside()) {
    impl_->stop();
    return;
  }
  auto done = std::make_shared<std::promise<void>>();
  auto posted = impl_->io.gate->post([impl = impl_, done] {
    impl->stop();
    done->set_value();
  });
  if (posted)
    done->get_future().wait();
}

} // namespace cuttle::halibut
