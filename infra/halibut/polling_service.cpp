#include "infra/halibut/polling_service.hpp"

#include <algorithm>
#include <exception>
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
    server(std::move(node)), options(std::move(opts)),
    pool(
      {options.connections, options.connections_max, options.connection_idle}) {
  requests.on_busy = [this](bool begins) { on_busy(begins); };
  requests.line_after = [this] { return stopping ? end_line : next_line; };
}

void polling_service::impl::start() {
  if (stopping || !links.empty())
    return;
  auto context = make_initiator_context(self);
  if (context)
    tls.emplace(context->release());
  else
    log_trouble("link-lost", context.error(), options.backoff_min);
  for (unsigned i = 0; i < pool.bounds().min; ++i)
    add_link();
}

/// With the lowest number that no other link has.
void polling_service::impl::add_link() {
  unsigned number = 0;
  auto taken = [&](auto& x) { return x->number == number; };
  while (std::any_of(links.begin(), links.end(), taken))
    ++number;
  auto& x
    = *links.emplace_back(std::make_unique<service_link>(io.context, number));
  spawn(run(x), [this, &x] {
    std::erase_if(links, [&](auto& y) { return y.get() == &x; });
  });
}

link_counts polling_service::impl::counts() const {
  link_counts result;
  result.busy = busy;
  for (auto& x : links) {
    result.open += x->retired ? 0 : 1;
    result.identified += x->identified && !x->retired ? 1 : 0;
  }
  return result;
}

void polling_service::impl::on_busy(bool begins) {
  auto now = clock::now();
  busy = begins ? busy + 1 : busy - 1;
  pool.busy(busy, now);
  // One that is about to go still counts for the server.
  if (!begins || stopping || links.size() >= pool.bounds().max
      || !pool.grow(counts(), now))
    return;
  add_link();
  pool.grew(counts().open, now);
  telemetry::debug("link-added",
                   {{"server", peer}, {"connections", counts().open}});
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
  auto first = x.number < pool.bounds().min
                 ? spread * x.number / pool.bounds().min
                 : milliseconds{0};
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
    auto identified = std::exchange(x.identified, false);
    if (stopping)
      break;
    auto pause = pauses.pause(clock::now());
    if (!keeps(x, identified, result.error(), pause))
      break;
    auto until = clock::now() + pause;
    while (!stopping && clock::now() < until)
      co_await x.wake.wait(until);
  }
  tell({link_event::kind::stopped, x.number, {}, {}});
}

/// Tells of the end of a connection; whether another one follows it.
bool polling_service::impl::keeps(service_link& x, bool identified,
                                  const failure& reason, milliseconds pause) {
  auto renewed = !x.retired && pool.renew(counts());
  if (!renewed && !identified)
    pool.failed_to_grow(clock::now(), pause);
  if (x.retired)
    telemetry::debug("link-retired",
                     {{"server", peer}, {"connection", x.number}});
  else
    log_trouble("link-lost", reason, renewed ? pause : milliseconds{0});
  tell({link_event::kind::disconnected, x.number, reason,
        renewed ? pause : milliseconds{0}});
  x.retired = !renewed;
  return renewed;
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
