#include "infra/halibut/polling_service.hpp"

#include <algorithm>
#include <exception>
#include <random>
#include <utility>

#include "infra/halibut/polling_service_impl.hpp"

namespace cuttle::halibut {

namespace asio = boost::asio;

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

/// The first connects are spread over this time.
constexpr milliseconds spread{300};

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
  : service_base(thread, pool, std::move(own), node.name(), opts.limits,
                 std::move(calls)),
    server(std::move(node)), options(std::move(opts)) {}

void polling_service::impl::start() {
  if (stopping || !links.empty())
    return;
  auto context = make_initiator_context(self);
  if (context)
    tls.emplace(context->release());
  else
    log_trouble("link-lost", context.error(), options.backoff_min);
  for (unsigned i = 0; i < link_count(); ++i) {
    auto& x
      = *links.emplace_back(std::make_unique<service_link>(io.context, i));
    spawn(run(x));
  }
}

unsigned polling_service::impl::link_count() const {
  return std::clamp(options.connections, 1u, 512u);
}

void polling_service::impl::finish_idle(milliseconds) {
  for (auto& x : links) {
    x->wake.notify();
    // What has begun to arrive is a request that must not be lost.
    if (x->link && !x->identified)
      x->link->cut(worker_stops());
    else if (x->link && x->idle && !x->link->has_unread())
      x->link->finish();
  }
}

void polling_service::impl::cut_all(const failure& reason) {
  for (auto& x : links) {
    if (x->link)
      x->link->cut(reason);
    x->wake.notify();
  }
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
    log_trouble("link-lost", result.error(), pause);
    tell({link_event::kind::disconnected, x.number, result.error(), pause});
    auto until = clock::now() + pause;
    while (!stopping && clock::now() < until)
      co_await x.wake.wait(until);
  }
  tell({link_event::kind::stopped, x.number, {}, {}});
}

polling_service::polling_service(io_thread& thread, disk::disk_pool& disk,
                                 crypto::identity self, server_endpoint server,
                                 polling_options options,
                                 service_callbacks callbacks)
  : impl_(std::make_shared<impl>(thread, disk, std::move(self),
                                 std::move(server), std::move(options),
                                 std::move(callbacks))) {}

polling_service::~polling_service() {
  abandon(impl_);
}

void polling_service::start() {
  impl_->io.gate->post([impl = impl_] { impl->start(); });
}

void polling_service::stop(milliseconds patience, std::function<void()> done) {
  post_stop(impl_, patience, std::move(done));
}

} // namespace cuttle::halibut
