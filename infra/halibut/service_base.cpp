#include "infra/halibut/service_base.hpp"

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <future>
#include <utility>

#include "infra/telemetry/log.hpp"

namespace cuttle::halibut {

namespace asio = boost::asio;

using std::chrono::milliseconds;

service_base::service_base(io_thread& thread, disk::disk_pool& pool,
                           crypto::identity own, std::string name,
                           const halibut::limits& bounds,
                           service_callbacks calls)
  : io(thread.get()), disk(pool), self(std::move(own)), peer(std::move(name)),
    limits(bounds), callbacks(std::move(calls)), patience(io.context) {}

void service_base::spawn(asio::awaitable<void> routine,
                         std::function<void()> after) {
  ++running;
  asio::co_spawn(io.context, std::move(routine),
                 [self = shared_from_this(),
                  after = std::move(after)](std::exception_ptr error) {
                   if (error)
                     telemetry::error("link-threw", {{"server", self->peer}});
                   --self->running;
                   if (after)
                     after();
                   self->ended();
                 });
}

void service_base::stop(milliseconds grace, std::function<void()> done) {
  stopping = true;
  on_ended.push_back(std::move(done));
  finish_idle(grace);
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

void service_base::ended() {
  if (running > 0 || !stopping)
    return;
  patience.cancel();
  at_end();
  auto calls = std::exchange(on_ended, {});
  for (auto& call : calls)
    call();
}

void service_base::tell(const link_event& event) {
  if (abandoned || !callbacks.on_link)
    return;
  try {
    callbacks.on_link(event);
  } catch (const std::exception& e) {
    telemetry::error("link-handler-threw", {{"what", e.what()}});
  }
}

void service_base::log_trouble(const char* name, const failure& reason,
                               milliseconds retry_in) {
  auto kept_back = told.admit(reason.text, std::chrono::steady_clock::now());
  auto level
    = kept_back ? settings::log_level::warn : settings::log_level::debug;
  telemetry::log(level, name,
                 {{"server", peer},
                  {"reason", reason.text},
                  {"retry-ms", retry_in.count()},
                  {"kept-back", kept_back.value_or(0)}});
}

void post_stop(const std::shared_ptr<service_base>& service, milliseconds grace,
               std::function<void()> done) {
  service->io.gate->post(
    [service, grace, done = std::move(done)] { service->stop(grace, done); });
}

void abandon(const std::shared_ptr<service_base>& service) {
  auto cut = [service] {
    service->abandoned = true;
    service->on_ended.clear();
    service->stopping = true;
    service->finish_idle({});
    service->cut_all(worker_stops());
  };
  if (service->io.inside()) {
    cut();
    return;
  }
  // Whatever still runs uses the disk pool and the callbacks' targets, which
  // may be gone right after this.
  auto ended = std::make_shared<std::promise<void>>();
  auto posted = service->io.gate->post([service, cut, ended] {
    cut();
    service->on_ended.push_back([ended] { ended->set_value(); });
    service->ended();
  });
  if (posted)
    ended->get_future().wait();
}

} // namespace cuttle::halibut
