#include <bson/bson.h>
#include <string_view>

#include "infra/crypto/text_encoding.hpp"
#include "infra/halibut/bson_scan.hpp"
#include "infra/halibut/envelope.hpp"

namespace cuttle::halibut {

namespace {

constexpr std::string_view request_type
  = "Halibut.Transport.Protocol.RequestMessage, Halibut";
constexpr std::string_view response_type
  = "Halibut.Transport.Protocol.ResponseMessage, Halibut";

/// A document under construction. libbson refuses what would exceed 2^31 bytes;
/// the first refusal is remembered.
class document_writer {
public:
  document_writer() {
    bson_init(&root_);
    note(bson_append_document_begin(&root_, "Message", -1, &message_));
  }

  document_writer(const document_writer&) = delete;
  document_writer& operator=(const document_writer&) = delete;

  ~document_writer() {
    bson_destroy(&root_);
  }

  bson_t* message() {
    return &message_;
  }

  void text(bson_t* to, const char* key, std::string_view value) {
    note(bson_append_utf8(to, key, -1, value.data(),
                          static_cast<int>(value.size())));
  }

  void null(bson_t* to, const char* key) {
    note(bson_append_null(to, key, -1));
  }

  void note(bool ok) {
    ok_ = ok_ && ok;
  }

  outcome<bson_bytes> finish() {
    note(bson_append_document_end(&root_, &message_));
    if (!ok_)
      return fail(errc::internal, "a message does not fit a BSON document");
    auto data = bson_get_data(&root_);
    return bson_bytes{data, data + root_.len};
  }

private:
  bson_t root_;
  bson_t message_;
  bool ok_ = true;
};

/// The streams must be those that the document announces, in its order.
outcome<void>
check_streams(const bson_bytes& document,
              const std::vector<std::pair<guid, outgoing_stream>>& streams,
              const halibut::limits& limits) {
  auto placeholders = scan_document(document, limits);
  if (!placeholders)
    return fail(errc::internal, "a message to be sent is not well-formed: "
                                  + placeholders.error().text);
  auto same = placeholders->size() == streams.size();
  for (std::size_t i = 0; same && i < streams.size(); ++i)
    same
      = streams[i].second
        && (*placeholders)[i]
             == stream_placeholder{streams[i].first, streams[i].second->length};
  if (!same)
    return fail(errc::internal, "a message to be sent does not announce the "
                                "data streams that come with it");
  return {};
}

void append_endpoint(document_writer& to, const request_header& header) {
  bson_t endpoint;
  to.note(bson_append_document_begin(to.message(), "endpoint", -1, &endpoint));
  to.text(&endpoint, "PollingRequestQueueTimeout", "00:02:00");
  to.text(&endpoint, "RetryListeningSleepInterval", "00:00:01");
  to.note(bson_append_int32(&endpoint, "RetryCountLimit", -1, 5));
  to.text(&endpoint, "ConnectionErrorRetryTimeout", "00:05:00");
  to.text(&endpoint, "TcpClientConnectTimeout", "00:01:00");
  to.text(&endpoint, "BaseUri", header.base_uri);
  to.text(&endpoint, "RemoteThumbprint", header.remote_thumbprint);
  to.null(&endpoint, "Proxy");
  to.null(&endpoint, "ForceResolveHost");
  to.note(bson_append_bool(&endpoint, "IsWebSocketEndpoint", -1, false));
  to.note(bson_append_document_end(to.message(), &endpoint));
}

} // namespace

outcome<bson_bytes> encode_request(const outgoing_request& request,
                                   const request_header& header,
                                   const halibut::limits& limits) {
  if (auto ok = check_streams(request.params, request.streams, limits); !ok)
    return tl::unexpected(ok.error());
  bson_t params;
  if (!bson_init_static(&params, request.params.data(), request.params.size()))
    return fail(errc::internal, "the params of a request are no BSON array");
  document_writer writer;
  auto message = writer.message();
  writer.text(message, "$type", request_type);
  writer.text(message, "id", header.id);
  writer.note(bson_append_binary(message, "activityId", -1, BSON_SUBTYPE_UUID,
                                 header.activity.data(),
                                 header.activity.size()));
  append_endpoint(writer, header);
  writer.text(message, "service", request.service);
  writer.text(message, "method", request.method);
  writer.note(bson_append_array(message, "params", -1, &params));
  return writer.finish();
}

outcome<bson_bytes> encode_response(const rpc_response& response,
                                    const halibut::limits& limits) {
  document_writer writer;
  auto message = writer.message();
  writer.text(message, "$type", response_type);
  writer.text(message, "id", response.id);
  if (!response.error) {
    writer.null(message, "error");
  } else {
    bson_t error;
    writer.note(bson_append_document_begin(message, "error", -1, &error));
    writer.text(&error, "message",
                crypto::sanitise_utf8(response.error->message));
    writer.text(&error, "details",
                crypto::sanitise_utf8(response.error->details));
    if (response.error->halibut_type)
      writer.text(&error, "HalibutErrorType", *response.error->halibut_type);
    else
      writer.null(&error, "HalibutErrorType");
    writer.note(bson_append_document_end(message, &error));
  }
  if (response.result.empty()) {
    if (!response.streams.empty())
      return fail(errc::internal, "a null result comes with data streams");
    writer.null(message, "result");
    return writer.finish();
  }
  if (auto ok = check_streams(response.result, response.streams, limits); !ok)
    return tl::unexpected(ok.error());
  bson_iter_t value;
  if (!bson_iter_init_from_data(&value, response.result.data(),
                                response.result.size())
      || !bson_iter_next(&value))
    return fail(errc::internal, "a result document holds no result");
  writer.note(bson_append_iter(message, "result", -1, &value));
  return writer.finish();
}

} // namespace cuttle::halibut
