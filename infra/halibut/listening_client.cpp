#include "infra/halibut/listening_client.hpp"

#include <utility>

#include "infra/halibut/listening_client_impl.hpp"

namespace cuttle::halibut {

using clock = std::chrono::steady_clock;

namespace {

failure unknown(const std::string& uri) {
  return {errc::invalid_request,
          "there is no listening worker " + printable(uri)};
}

} // namespace

std::string worker_endpoint::uri() const {
  return "https://" + name() + '/';
}

listening_client::impl::impl(io_thread& thread, disk::disk_pool& pool,
                             crypto::identity own,
                             listening_client::options opts)
  : client_base(thread, pool, std::move(own), opts.limits, opts.on_trouble),
    options(std::move(opts)) {}

void listening_client::impl::add(worker_endpoint worker) {
  auto x = std::make_shared<dialled_worker>();
  x->uri = worker.uri();
  x->where = std::move(worker);
  auto& place = workers[x->uri];
  if (place) {
    // Calls that have not left go to the new one with those that come.
    x->waiting = std::move(place->waiting);
    place->waiting = {};
    retire(*place);
  }
  place = x;
  while (x->busy < limits.connections_per_subscription && !x->waiting.empty())
    begin(x, x->waiting.pop());
}

void listening_client::impl::remove(const std::string& uri) {
  auto i = workers.find(uri);
  if (i == workers.end())
    return;
  auto worker = std::move(i->second);
  workers.erase(i);
  retire(*worker);
  worker->waiting.fail_all(unknown(uri));
  for (auto& x : calls)
    if (x->worker == worker)
      give_up(*x, {errc::unavailable, "the worker was removed"});
}

/// Its connections are used no more than for the calls that have them.
void listening_client::impl::retire(dialled_worker& worker) {
  worker.gone = true;
  empty_pool(worker);
}

void listening_client::impl::enqueue(const std::string& uri,
                                     std::shared_ptr<pending_call> call) {
  if (stopped)
    return finish(*call, tl::unexpected(client_stops()));
  auto i = workers.find(uri);
  if (i == workers.end())
    return finish(*call, tl::unexpected(unknown(uri)));
  if (i->second->busy >= limits.connections_per_subscription)
    i->second->waiting.push(std::move(call), limits);
  else
    begin(i->second, std::move(call));
}

void listening_client::impl::begin(
  const std::shared_ptr<dialled_worker>& worker,
  std::shared_ptr<pending_call> call) {
  auto x = std::make_shared<dialled_call>(io.context);
  x->call = std::move(call);
  x->worker = worker;
  ++worker->busy;
  calls.insert(x);
  spawn(run(x));
}

void listening_client::impl::withdraw(std::uint64_t number) {
  for (auto& [uri, worker] : workers)
    if (worker->waiting.withdraw(number))
      return;
  for (auto& x : calls)
    if (x->call->number == number)
      give_up(*x, {x->call->sent ? errc::unavailable : errc::cancelled,
                   "the call was withdrawn"});
}

/// Lets a call end soon, wherever it is.
void listening_client::impl::give_up(dialled_call& x, const failure& reason) {
  if (!x.over)
    x.over = reason;
  if (x.link)
    x.link->link->cut(reason);
  x.wake.notify();
}

void listening_client::impl::pause(std::chrono::milliseconds how_long) {
  if (stopped)
    return;
  paused_until = clock::now() + how_long;
  failure reason{errc::unavailable, "the server restarts"};
  for (auto& x : calls)
    if (x->link)
      x->link->link->cut(reason);
  for (auto& [uri, worker] : workers)
    empty_pool(*worker);
}

void listening_client::impl::stop() {
  if (stopped)
    return;
  stopped = true;
  for (auto& x : calls)
    give_up(*x, client_stops());
  for (auto& [uri, worker] : workers) {
    worker->waiting.fail_all(client_stops());
    retire(*worker);
  }
  workers.clear();
}

listening_client::listening_client(io_thread& thread, disk::disk_pool& disk,
                                   crypto::identity self, options options)
  : impl_(std::make_shared<impl>(thread, disk, std::move(self),
                                 std::move(options))) {}

listening_client::~listening_client() {
  abandon(impl_);
}

std::string listening_client::add(worker_endpoint worker) {
  auto uri = worker.uri();
  impl_->io.gate->post([impl = impl_, worker = std::move(worker)] {
    if (!impl->stopped)
      impl->add(worker);
  });
  return uri;
}

void listening_client::remove(const std::string& uri) {
  impl_->io.gate->post([impl = impl_, uri] { impl->remove(uri); });
}

std::uint64_t listening_client::call(const std::string& uri,
                                     outgoing_request request,
                                     result_function on_result) {
  auto call = impl_->make_call(std::move(request), std::move(on_result));
  auto number = call->number;
  impl_->io.gate->post([impl = impl_, uri, call] { impl->enqueue(uri, call); });
  return number;
}

void listening_client::withdraw(std::uint64_t call) {
  impl_->io.gate->post([impl = impl_, call] { impl->withdraw(call); });
}

void listening_client::pause(std::chrono::milliseconds how_long) {
  impl_->io.gate->post([impl = impl_, how_long] { impl->pause(how_long); });
}

void listening_client::stop() {
  stop_client(impl_);
}

} // namespace cuttle::halibut
