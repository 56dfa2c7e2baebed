#include "infra/halibut/asking.hpp"

#include <exception>
#include <utility>

#include "infra/halibut/envelope.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle::halibut {

namespace {

task<received_response> receive(exchange& wire, const std::string& id,
                                const halibut::limits& limits) {
  auto document = co_await wire.read_message(
    transport::clock::now() + limits.response_wait, "a response");
  if (!document)
    co_return tl::unexpected(document.error());
  auto decoded = decode_response(*document, limits);
  if (!decoded)
    co_return tl::unexpected(decoded.error());
  auto received = co_await wire.read_streams(std::move(decoded->placeholders));
  if (!received)
    co_return tl::unexpected(received.error());
  if (received->trouble)
    co_return tl::unexpected(*received->trouble);
  if (decoded->response.id != id)
    co_return fail(errc::protocol_error,
                   "the worker answered another request than the one sent");
  decoded->response.streams = std::move(received->streams);
  co_return std::move(decoded->response);
}

} // namespace

void finish(pending_call& call, call_result result) {
  call.timer.cancel();
  auto on_result = std::exchange(call.on_result, {});
  if (!on_result)
    return;
  try {
    on_result(std::move(result));
  } catch (const std::exception& e) {
    telemetry::error("call-handler-threw", {{"what", e.what()}});
  }
}

task<void> ask(exchange& wire, pending_call& call, bson_bytes document,
               std::string_view before, const halibut::limits& limits) {
  // Whatever happens, the caller hears of it.
  struct ending {
    ~ending() {
      finish(call, fail(errc::unavailable, "the call failed"));
    }
    pending_call& call;
  } last{call};
  call.sent = true;
  auto sent = co_await wire.write_message(document, before);
  document = {};
  if (sent)
    sent = co_await wire.write_streams(call.request.streams);
  call_result result;
  if (sent)
    result = co_await receive(wire, call.id, limits);
  else
    result = tl::unexpected(sent.error());
  if (result) {
    finish(call, std::move(result));
    co_return outcome<void>{};
  }
  auto reason = result.error();
  auto code
    = reason.code == errc::deadline_exceeded ? reason.code : errc::unavailable;
  finish(call, fail(code, "the call failed: " + reason.text));
  co_return tl::unexpected(reason);
}

} // namespace cuttle::halibut
