#include "infra/halibut/polling_service.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <future>
#include <random>
#include <utility>

#include "infra/halibut/polling_service_impl.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle::halibut {

namespace asio = boost::asio;

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

/// The first connects are spread over this time.
constexpr milliseconds spread{300};

/// The same trouble is logged again after this time only.
constexpr std::chrono::minutes quiet_time{5};

double random_factor() {
  std::random_device source;
  return std::uniform_real_distribution<double>{1.0, 2.0}(source);
}

} // namespace

std::string server_endpoint::name() const {
  auto text = host.find(':') == std::string::npos ? host : '[' + host + ']';
  return text + ':' + std::to_string(port);
}

polling_service::impl::impl(io_thread& thread, disk::disk_pool& pool,
                            crypto::identity own, server_endpoint node,
                            polling_options opts, service_callbacks calls)
  : io(thread.get()), disk(pool), self(std::move(own)), server(std::move(node)),
    options(std::move(opts)), callbacks(std::move(calls)),
    patience(io.context) {}

void polling_service::impl::start() {
  if (stopping || !links.empty())
    return;
  auto context = make_initiator_context(self);
  if (context)
    tls.emplace(context->release());
  else
    log_trouble(context.error(), options.backoff_min);
  for (unsigned i = 0; i < link_count(); ++i) {
    auto& x
      = *links.emplace_back(std::make_unique<service_link>(io.context, i));
    ++running;
    asio::co_spawn(
      io.context, run(x),
      [self = shared_from_this()](std::exception_ptr error) {
        if (error)
          telemetry::error("link-threw", {{"server", self->server.name()}});
        --self->running;
        self->ended();
      });
  }
}

unsigned polling_service::impl::link_count() const {
  return std::clamp(options.connections, 1u, 512u);
}

void polling_service::impl::stop(milliseconds grace,
                                 std::function<void()> done) {
  stopping = true;
  on_ended.push_back(std::move(done));
  for (auto& x : links) {
    x->wake.notify();
    // What has begun to arrive is a request that must not be lost.
    if (x->link && !x->identified)
      x->link->cut(worker_stops());
    else if (x->link && x->idle && !x->link->has_unread())
      x->link->finish();
  }
  patience.expires_after(grace);
  patience.async_wait(
    [weak = weak_from_this()](const boost::system::error_code& error) {
      auto self = weak.lock();
      if (!error && self)
        self->cut_all({errc::deadline_exceeded,
                       "the exchange did not end before the worker stopped"});
    });
  ended();
}

void polling_service::impl::cut_all(const failure& reason) {
  for (auto& x : links) {
    if (x->link)
      x->link->cut(reason);
    x->wake.notify();
  }
}

void polling_service::impl::ended() {
  if (running > 0 || !stopping)
    return;
  patience.cancel();
  auto calls = std::exchange(on_ended, {});
  for (auto& call : calls)
    call();
}

asio::awaitable<void> polling_service::impl::run(service_link& x) {
  backoff pauses{random_factor(), options.backoff_min, options.backoff_max};
  auto first = spread * x.number / link_count();
  if (first > milliseconds{0})
    co_await x.wake.wait(clock::now() + first);
  while (!stopping) {
    pauses.attempt(clock::now());
    outcome<void> result;
    try {
      result = co_await transact(x, pauses);
    } catch (const std::exception& e) {
      // Out of memory, say: this connection ends, the link goes on.
      result = fail(errc::internal, e.what());
    }
    x.link = nullptr;
    x.idle = false;
    x.identified = false;
    if (stopping)
      break;
    auto pause = pauses.pause(clock::now());
    log_trouble(result.error(), pause);
    tell({link_event::kind::disconnected, x.number, result.error(), pause});
    auto until = clock::now() + pause;
    while (!stopping && clock::now() < until)
      co_await x.wake.wait(until);
  }
  tell({link_event::kind::stopped, x.number, {}, {}});
}

void polling_service::impl::tell(const link_event& event) {
  if (abandoned || !callbacks.on_link)
    return;
  try {
    callbacks.on_link(event);
  } catch (const std::exception& e) {
    telemetry::error("link-handler-threw", {{"what", e.what()}});
  }
}

void polling_service::impl::log_trouble(const failure& reason,
                                        milliseconds retry_in) {
  auto now = clock::now();
  if (reason.text == logged && now - logged_at < quiet_time) {
    telemetry::debug("link-lost", {{"server", server.name()},
                                   {"reason", reason.text},
                                   {"retry-ms", retry_in.count()}});
    return;
  }
  logged = reason.text;
  logged_at = now;
  telemetry::warn("link-lost", {{"server", server.name()},
                                {"reason", reason.text},
                                {"retry-ms", retry_in.count()}});
}

polling_service::polling_service(io_thread& thread, disk::disk_pool& disk,
                                 crypto::identity self, server_endpoint server,
                                 polling_options options,
                                 service_callbacks callbacks)
  : impl_(std::make_shared<impl>(thread, disk, std::move(self),
                                 std::move(server), std::move(options),
                                 std::move(callbacks))) {}

polling_service::~polling_service() {
  auto abandon = [impl = impl_] {
    impl->abandoned = true;
    impl->on_ended.clear();
    impl->stopping = true;
    impl->cut_all(worker_stops());
  };
  if (impl_->io.inside()) {
    abandon();
    return;
  }
  // Whatever still runs uses the disk pool and the callbacks' targets, which
  // may be gone right after this.
  auto ended = std::make_shared<std::promise<void>>();
  auto posted = impl_->io.gate->post([impl = impl_, abandon, ended] {
    abandon();
    impl->on_ended.push_back([ended] { ended->set_value(); });
    impl->ended();
  });
  if (posted)
    ended->get_future().wait();
}

void polling_service::start() {
  impl_->io.gate->post([impl = impl_] { impl->start(); });
}

void polling_service::stop(milliseconds patience, std::function<void()> done) {
  impl_->io.gate->post([impl = impl_, patience, done = std::move(done)] {
    impl->stop(patience, done);
  });
}

} // namespace cuttle::halibut
