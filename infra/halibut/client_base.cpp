#include "infra/halibut/client_base.hpp"

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <future>
#include <utility>

#include "infra/telemetry/log.hpp"

namespace cuttle::halibut {

client_base::client_base(io_thread& thread, disk::disk_pool& pool,
                         crypto::identity own, const halibut::limits& bounds,
                         trouble_function trouble)
  : io(thread.get()), disk(pool), self(std::move(own)), limits(bounds),
    on_trouble(std::move(trouble)) {}

namespace {

std::uint64_t next_number() {
  static std::atomic<std::uint64_t> last = 0;
  return ++last;
}

} // namespace

std::shared_ptr<pending_call>
client_base::make_call(outgoing_request request,
                       result_function on_result) const {
  auto call = std::make_shared<pending_call>(io.context);
  call->activity = make_guid();
  call->number = next_number();
  call->id = request.service + "::" + request.method + "Async["
             + std::to_string(call->number) + "] / "
             + to_string(call->activity);
  call->request = std::move(request);
  call->on_result = std::move(on_result);
  return call;
}

void client_base::spawn(boost::asio::awaitable<void> routine) {
  ++running;
  boost::asio::co_spawn(io.context, std::move(routine),
                        [self = shared_from_this()](std::exception_ptr error) {
                          if (error)
                            telemetry::error("client-link-threw");
                          --self->running;
                          if (self->running == 0 && self->stopped
                              && self->on_ended)
                            std::exchange(self->on_ended, {})();
                        });
}

void client_base::trouble(const failure& reason) {
  telemetry::debug("client-trouble", {{"reason", reason.text}});
  if (abandoned || stopped || !on_trouble)
    return;
  try {
    on_trouble(reason.text);
  } catch (const std::exception& e) {
    telemetry::error("trouble-handler-threw", {{"what", e.what()}});
  }
}

void stop_client(const std::shared_ptr<client_base>& client) {
  if (client->io.inside()) {
    client->stop();
    return;
  }
  auto done = std::make_shared<std::promise<void>>();
  auto posted = client->io.gate->post([client, done] {
    client->stop();
    done->set_value();
  });
  if (posted)
    done->get_future().wait();
}

void abandon(const std::shared_ptr<client_base>& client) {
  if (client->io.inside()) {
    client->abandoned = true;
    client->stop();
    return;
  }
  // Whatever still runs uses the disk pool and the callbacks' targets, which
  // may be gone right after this.
  auto ended = std::make_shared<std::promise<void>>();
  auto posted = client->io.gate->post([client, ended] {
    client->abandoned = true;
    client->stop();
    if (client->running == 0)
      ended->set_value();
    else
      client->on_ended = [ended] { ended->set_value(); };
  });
  if (posted)
    ended->get_future().wait();
}

} // namespace cuttle::halibut
