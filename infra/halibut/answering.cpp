#include "infra/halibut/answering.hpp"

#include <exception>
#include <utility>

#include "infra/halibut/envelope.hpp"
#include "infra/halibut/limit_names.hpp"
#include "infra/halibut/reply.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle::halibut {

using clock = std::chrono::steady_clock;

namespace {

/// Tells of the time between a request and its answer, whatever ends it.
class busy_mark {
public:
  explicit busy_mark(const std::function<void(bool)>& f) : tell_(f) {
    if (tell_)
      tell_(true);
  }
  ~busy_mark() {
    if (tell_)
      tell_(false);
  }
  busy_mark(const busy_mark&) = delete;
  busy_mark& operator=(const busy_mark&) = delete;

private:
  const std::function<void(bool)>& tell_;
};

} // namespace

task<served> answering::serve_one(exchange& wire, event& wake, bool& waiting,
                                  std::chrono::milliseconds patience,
                                  std::string_view what,
                                  const char* setting) const {
  waiting = true;
  auto arrived = co_await wire.link().fill(clock::now() + patience, what);
  if (!arrived)
    co_return tl::unexpected(limited(arrived.error(), patience, setting));
  waiting = false;
  auto document
    = co_await wire.read_message(clock::now() + limits.io, "a message");
  if (!document)
    co_return tl::unexpected(limited(document.error(), limits.io, raise::io));
  co_return co_await answer(wire, wake, std::move(*document));
}

task<served> answering::answer(exchange& wire, event& wake,
                               bson_bytes document) const {
  auto decoded = decode_request(document, limits);
  if (!decoded)
    co_return tl::unexpected(decoded.error());
  if (decoded->null)
    co_return served{};
  document = {};
  busy_mark busy{on_busy};
  auto received = co_await wire.read_streams(std::move(decoded->placeholders));
  if (!received)
    co_return tl::unexpected(limited(received.error(), limits.io, raise::io));
  auto id = decoded->request.id;
  outcome<rpc_response> response;
  if (received->trouble) {
    telemetry::warn("spool-failed",
                    {{"server", peer}, {"reason", received->trouble->text}});
    response
      = transient_error(id, "The worker " + received->trouble->text + ".");
    received->streams.clear();
  } else {
    decoded->request.streams = std::move(received->streams);
    response = co_await ask(wire.link(), wake, std::move(decoded->request));
    if (!response)
      co_return tl::unexpected(response.error());
  }
  auto encoded = encode_response(*response, limits);
  if (!encoded) {
    telemetry::error("response-not-encoded",
                     {{"reason", encoded.error().text}});
    response = transient_error(
      id, "The worker's answer cannot be sent: " + encoded.error().text + ".");
    encoded = encode_response(*response, limits);
    if (!encoded)
      co_return tl::unexpected(encoded.error());
  }
  response->result = {};
  // Streams stand between the message and the line.
  served result{true, {}};
  if (response->streams.empty() && line_after)
    result.line = line_after();
  auto sent
    = co_await wire.write_message(*encoded, std::string_view{}, result.line);
  if (sent)
    sent = co_await wire.write_streams(std::move(response->streams));
  if (!sent)
    co_return tl::unexpected(limited(sent.error(), limits.io, raise::io));
  co_return result;
}

void answering::hand_over(const std::shared_ptr<reply_slot>& slot,
                          rpc_request& request) const {
  auto reply = make_reply(io.gate, slot, request.id);
  if (abandoned || !callbacks.on_request)
    return reply(transient_error(request.id, "The worker is stopping."));
  try {
    callbacks.on_request(std::move(request), std::move(reply));
  } catch (const std::exception& e) {
    telemetry::error("request-handler-threw", {{"what", e.what()}});
  }
}

/// Hands the request over and waits for the answer. The Client gives up after
/// `response_wait`; twice that is more than the longest that one waits.
task<rpc_response> answering::ask(transport& link, event& wake,
                                  rpc_request request) const {
  auto slot = std::make_shared<reply_slot>();
  slot->waiter = &wake;
  // With what other connections have brought meanwhile, so that who takes them
  // is woken once. (A slot that is there says that this function still waits.)
  io.gate->post([this, weak = std::weak_ptr{slot}, &request] {
    if (auto waiting = weak.lock())
      hand_over(waiting, request);
  });
  auto until = clock::now() + 2 * limits.response_wait;
  while (!slot->response && !link.cut_reason() && clock::now() < until)
    co_await wake.wait(until);
  slot->waiter = nullptr;
  if (link.cut_reason())
    co_return tl::unexpected(*link.cut_reason());
  if (!slot->response)
    co_return fail(errc::deadline_exceeded,
                   "a request was not answered within "
                     + std::to_string(2 * limits.response_wait.count())
                     + " ms");
  co_return std::move(*slot->response);
}

} // namespace cuttle::halibut
