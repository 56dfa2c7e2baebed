#include "benchmarks/hostile/sides.hpp"

#include <atomic>
#include <chrono>
#include <future>
#include <optional>

#include "infra/halibut/listening_service.hpp"
#include "infra/runner_link/server.hpp"
#include "infra/tentacle/client.hpp"
#include "tests/unit/halibut/fixture.hpp"
#include "tests/unit/halibut/raw_peer.hpp"
#include "tests/unit/runner_link/raw_runner.hpp"

namespace cuttle::bench {

namespace {

using namespace std::chrono_literals;

constexpr auto good_subscription = "poll://good0000000000000000/";

// What a worker answers.
void answer(halibut::rpc_request request, halibut::reply_function reply) {
  halibut::rpc_response response;
  response.result
    = halibut::test::text_document("result", std::to_string(request.id.size()));
  reply(std::move(response));
}

class listening_side : public side {
public:
  listening_side() {
    halibut::listening_options options;
    options.bind = "127.0.0.1";
    options.port = 0;
    options.trusted = {trusted_identity().thumbprint()};
    options.spool = spool_.path();
    halibut::service_callbacks calls;
    calls.on_request = answer;
    service_ = std::make_unique<halibut::listening_service>(
      thread_, disk_, own_identity(), options, std::move(calls));
    port_ = service_->start().value();
  }

  loot spoils() const override {
    return {port_, trusted_identity(), {}};
  }

  bool work(bool new_connection) override {
    using halibut::test::raw_peer;
    if (new_connection || !peer_) {
      peer_.reset();
      peer_ = std::make_unique<raw_peer>(
        raw_peer::dial(port_, &trusted_identity()));
      if (!peer_->secure())
        return false;
      peer_->send("MX\n\nMX-CLIENT 1.0\r\n\r\n");
      if (peer_->read_line() != "MX-SERVER 1.0\r\n"
          || peer_->read_line() != "\r\n")
        return false;
    }
    peer_->send(halibut::test::request_message("good", "hello"));
    if (peer_->read_message().empty())
      return false;
    peer_->send("NEXT\r\n");
    return peer_->read_line() == "PROCEED\r\n";
  }

private:
  halibut::test::temporary_folder spool_;
  disk::disk_pool disk_;
  halibut::io_thread thread_;
  std::uint16_t port_ = 0;
  std::unique_ptr<halibut::listening_service> service_;
  std::unique_ptr<halibut::test::raw_peer> peer_;
};

class polling_side : public side {
public:
  polling_side() {
    halibut::polling_client::options options;
    options.trusted = {trusted_identity().thumbprint()};
    options.spool = spool_.path();
    options.on_worker = [this](const std::string& who, bool up) {
      if (who == good_subscription)
        connected_.change([up](auto& x) { up ? ++x : --x; });
      else if (up)
        // Whoever has stolen a key is asked, so that it may answer.
        client_->call(attackers_subscription,
                      halibut::test::make_request("hello"), [](auto) {});
    };
    client_ = std::make_unique<halibut::polling_client>(
      thread_, disk_, own_identity(), std::move(options));
    port_ = client_->start().value();
  }

  ~polling_side() override {
    worker_.reset();
    client_.reset();
  }

  loot spoils() const override {
    return {port_, trusted_identity(), {}};
  }

  bool work(bool new_connection) override {
    if (new_connection || !worker_)
      dial();
    if (!connected_.wait([](auto x) { return x == 1; }))
      return false;
    auto promise = std::make_shared<std::promise<bool>>();
    client_->call(good_subscription, halibut::test::make_request("hello"),
                  [promise](halibut::call_result result) {
                    promise->set_value(result && !result->error);
                  });
    auto future = promise->get_future();
    return future.wait_for(30s) == std::future_status::ready && future.get();
  }

private:
  void dial() {
    worker_.reset();
    connected_.wait([](auto x) { return x == 0; });
    halibut::server_endpoint to;
    to.host = "127.0.0.1";
    to.port = port_;
    to.thumbprints = {own_identity().thumbprint()};
    to.subscription = good_subscription;
    halibut::polling_options options;
    options.connections = 1;
    options.spool = spool_.path();
    halibut::service_callbacks calls;
    calls.on_request = answer;
    worker_ = std::make_unique<halibut::polling_service>(
      workers_thread_, disk_, trusted_identity(), to, options,
      std::move(calls));
    worker_->start();
  }

  halibut::test::temporary_folder spool_;
  disk::disk_pool disk_;
  halibut::io_thread thread_;
  halibut::io_thread workers_thread_;
  halibut::test::watched<int> connected_;
  std::uint16_t port_ = 0;
  std::unique_ptr<halibut::polling_client> client_;
  std::unique_ptr<halibut::polling_service> worker_;
};

class runner_side : public side {
public:
  runner_side() {
    auto made = runner_link::make_server(thread_, {.bind = "127.0.0.1"}, port_);
    server_ = std::move(made.value());
    for (auto i = 0; i < 1'000; ++i)
      expect("hostile" + std::to_string(i), false);
  }

  loot spoils() const override {
    return {port_, trusted_identity(), runner_key()};
  }

  bool work(bool new_connection) override {
    if (new_connection || !runner_) {
      auto ticket = "good" + std::to_string(++tickets_);
      expect(ticket, true);
      runner_ = std::make_unique<runner_link::test::raw_runner>(port_);
      if (!runner_->secure(ticket, runner_key())
          || !runner_->send("hello 1 1\n") || !runner_->line())
        return false;
    }
    auto before = got_.get();
    return runner_->send("a line of a script\n")
           && got_.wait([before](auto x) { return x > before; });
  }

private:
  void expect(const std::string& ticket, bool good) {
    runner_link::callbacks tell;
    tell.on_open = [this](auto id, auto) { server_->resume(id, 0); };
    tell.on_data = [this, good](auto, std::string_view data) {
      if (good)
        got_.change([&](auto& x) { x += data.size(); });
    };
    tell.on_close = [](auto, auto&) {};
    server_->expect({ticket}, runner_key(), std::move(tell));
  }

  halibut::io_thread thread_;
  std::uint16_t port_ = 0;
  std::unique_ptr<runner_link::server> server_;
  std::unique_ptr<runner_link::test::raw_runner> runner_;
  unsigned tickets_ = 0;
  halibut::test::watched<std::size_t> got_;
};

} // namespace

std::unique_ptr<side> make_side(victim whom) {
  switch (whom) {
  case victim::listening_worker:
    return std::make_unique<listening_side>();
  case victim::polling_port:
    return std::make_unique<polling_side>();
  default:
    return std::make_unique<runner_side>();
  }
}

const crypto::identity& own_identity() {
  return halibut::test::server_identity();
}

const crypto::identity& trusted_identity() {
  return halibut::test::worker_identity();
}

crypto::log_key runner_key() {
  crypto::log_key result;
  result.value.fill(7);
  return result;
}

} // namespace cuttle::bench
