#pragma once

#include <future>
#include <utility>

#include "infra/halibut/envelope.hpp"
#include "infra/halibut/inflater.hpp"
#include "infra/halibut/listening_client.hpp"
#include "listening_world.hpp"

namespace cuttle::halibut::test {

/// The answer of a worker that a test plays, as a deflated message.
inline std::string response_to(const std::string& document,
                               const std::string& text) {
  auto request = decode_request(
    {reinterpret_cast<const std::uint8_t*>(document.data()), document.size()},
    {});
  if (!request)
    return "no request came: " + request.error().text;
  rpc_response response;
  response.id = request->request.id;
  response.result = text_document("result", text);
  auto message = deflate_message(encode_response(response, {}).value());
  return {message.begin(), message.end()};
}

/// A server that dials.
struct dialling_world {
  static listening_client::options quick() {
    listening_client::options result;
    result.limits = quick_limits();
    result.attempt_pause = 20ms;
    return result;
  }

  explicit dialling_world(listening_client::options options = quick()) {
    options.spool = spool.path();
    options.on_trouble = [this](const std::string& reason) {
      troubles.change([&](auto& x) { x.push_back(reason); });
    };
    client = std::make_unique<listening_client>(thread, disk, server_identity(),
                                                std::move(options));
  }

  /// Makes the worker on that port of loopback known.
  std::string add(std::uint16_t port, std::vector<std::string> thumbprints = {
                                        worker_identity().thumbprint()}) const {
    worker_endpoint where;
    where.host = "127.0.0.1";
    where.port = port;
    where.thumbprints = std::move(thumbprints);
    return client->add(where);
  }

  struct begun {
    std::uint64_t number = 0;
    std::future<call_result> result;
  };

  begun begin(const std::string& uri, outgoing_request request) const {
    auto promise = std::make_shared<std::promise<call_result>>();
    begun x;
    x.result = promise->get_future();
    x.number = client->call(uri, std::move(request), [promise](call_result y) {
      promise->set_value(std::move(y));
    });
    return x;
  }

  static call_result end(begun& x) {
    if (x.result.wait_for(patience) != std::future_status::ready)
      return fail(errc::internal, "the call did not end");
    return x.result.get();
  }

  call_result call(const std::string& uri, outgoing_request request) const {
    auto x = begin(uri, std::move(request));
    return end(x);
  }

  /// The text that the worker echoes, or why there is none.
  std::string echo(const std::string& uri, const std::string& text) const {
    auto result = call(uri, make_request(text));
    return result ? text_of(result->result) : result.error().text;
  }

  temporary_folder spool;
  disk::disk_pool disk;
  io_thread thread;
  watched<std::vector<std::string>> troubles;
  std::unique_ptr<listening_client> client;
};

} // namespace cuttle::halibut::test
