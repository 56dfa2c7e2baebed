#pragma once

#include <algorithm>
#include <gtest/gtest.h>

#include "fixture.hpp"
#include "infra/halibut/listening_service.hpp"
#include "raw_peer.hpp"

namespace cuttle::halibut::test {

/// A worker that listens on loopback and echoes what it is asked.
struct listening_world {
  listening_world() : listening_world(quick_limits()) {}

  explicit listening_world(const halibut::limits& limits,
                           std::uint16_t at = 0) {
    listening_options options;
    options.bind = "127.0.0.1";
    options.port = at;
    options.trusted = {server_identity().thumbprint()};
    options.spool = spool.path();
    options.limits = limits;
    service_callbacks callbacks;
    callbacks.on_request = [this](rpc_request x, reply_function reply) {
      handled.change([&](auto& list) { list.push_back(x.id); });
      if (handler) {
        handler(std::move(x), std::move(reply));
        return;
      }
      rpc_response response;
      response.id = x.id;
      response.result = text_document("result", text_of(x.params));
      reply(std::move(response));
    };
    callbacks.on_link = [this](const link_event& x) {
      events.change([&](auto& list) { list.push_back(x); });
    };
    worker = std::make_unique<listening_service>(
      thread, disk, worker_identity(), options, std::move(callbacks));
    auto bound = worker->start();
    EXPECT_TRUE(bound.has_value());
    port = bound.value_or(0);
  }

  raw_peer dial(const std::string& newline = "\n") const {
    auto result = raw_peer::dial(port, &server_identity());
    result.send("MX" + newline + newline + "MX-CLIENT 1.0\r\n\r\n");
    EXPECT_EQ(result.read_line(), "MX-SERVER 1.0\r\n");
    EXPECT_EQ(result.read_line(), "\r\n");
    return result;
  }

  std::ptrdiff_t count(link_event::kind what) const {
    auto list = events.get();
    return std::count_if(list.begin(), list.end(),
                         [&](auto& x) { return x.what == what; });
  }

  bool wait_end_of_a_link() {
    return events.wait([](auto& list) {
      return !list.empty()
             && list.back().what == link_event::kind::disconnected;
    });
  }

  temporary_folder spool;
  disk::disk_pool disk;
  io_thread thread;
  std::uint16_t port = 0;
  std::function<void(rpc_request, reply_function)> handler;
  watched<std::vector<link_event>> events;
  /// The requests' ids.
  watched<std::vector<std::string>> handled;
  std::unique_ptr<listening_service> worker;
};

} // namespace cuttle::halibut::test
