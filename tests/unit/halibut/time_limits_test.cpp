// The time that a peer may take, phase by phase.

#include <gtest/gtest.h>

#include "fixture.hpp"
#include "raw_peer.hpp"

using namespace cuttle;
using namespace cuttle::halibut;
using namespace cuttle::halibut::test;

// What happens to a server that lets the worker wait, by the point where it
// stops to speak: the reason names the setting that gives it more time.
TEST(PollingWorker, NamesTheSettingOfEachTimeLimit) {
  struct row {
    std::chrono::milliseconds halibut::limits::*limit;
    const char* setting;
    std::function<void(raw_peer&)> speak;
  };
  auto message = request_message("one", "x");
  const std::vector<row> rows{
    row{&halibut::limits::handshake, "CUTTLE_WIRE_HANDSHAKE_SECONDS",
        [](raw_peer&) {}},
    row{&halibut::limits::request_wait, "CUTTLE_WIRE_REQUEST_WAIT_SECONDS",
        [](raw_peer& peer) { greet(peer); }},
    row{&halibut::limits::io, "CUTTLE_WIRE_IO_SECONDS",
        [&](raw_peer& peer) {
          greet(peer);
          peer.send(message.substr(0, 20));
        }},
    row{&halibut::limits::control, "CUTTLE_WIRE_CONTROL_SECONDS",
        [](raw_peer& peer) {
          greet(peer);
          peer.send(null_message());
        }}};
  for (auto& x : rows) {
    halibut::limits limits;
    limits.*x.limit = 200ms;
    raw_listener listener;
    world w;
    w.port = listener.port();
    auto options = w.service_options();
    options.limits = limits;
    w.start_worker(options, w.endpoint());
    auto peer = listener.accept(server_identity());
    x.speak(peer);
    auto reason = w.wait_event(link_event::kind::disconnected).reason;
    EXPECT_EQ(reason.code, errc::deadline_exceeded) << reason.text;
    EXPECT_NE(reason.text.find(x.setting), std::string::npos) << reason.text;
  }
}
