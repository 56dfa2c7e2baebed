#include "infra/tentacle/document_writer.hpp"
#include "infra/tentacle/errors.hpp"
#include "infra/tentacle/services.hpp"
#include "infra/tentacle/type_names.hpp"

namespace cuttle::tentacle {

namespace {

// A response whose result is an object; `$type` has to come first.
template <class Write>
halibut::rpc_response respond(const std::string& request_id,
                              std::string_view type, Write&& write_members) {
  document_writer writer;
  writer.document("result", [&] {
    writer.text("$type", type);
    write_members(writer);
  });
  halibut::rpc_response result;
  result.id = request_id;
  if (auto document = writer.take())
    result.result = std::move(*document);
  else
    result.error = to_error(
      {errc::internal, "The answer is too large for one message (2 GiB)."});
  return result;
}

} // namespace

halibut::rpc_response encode_capabilities(const std::string& request_id) {
  // Exactly these two, in this order (`tentacle-services` 4.1).
  return respond(request_id, capabilities_type, [](document_writer& out) {
    out.array("SupportedCapabilities", [&out] {
      out.text("0", file_service);
      out.text("1", script_service);
    });
  });
}

halibut::rpc_response encode(const std::string& request_id,
                             const script_status& status) {
  return respond(request_id, status_response_type, [&](document_writer& out) {
    out.document("ScriptTicket",
                 [&] { out.text("TaskId", status.ticket.task_id); });
    out.list("Logs", status.lines,
             [&](const std::string& key, const output_line& line) {
               out.document(key, [&] {
                 out.int32("Source", static_cast<std::int32_t>(line.source));
                 out.date("Occurred", line.occurred);
                 out.text("Text", line.text);
               });
             });
    out.int64("NextLogSequence", status.next_sequence);
    out.int32("State", static_cast<std::int32_t>(status.state));
    out.int32("ExitCode", status.exit_code);
  });
}

halibut::rpc_response encode(const std::string& request_id,
                             const uploaded_file& file) {
  return respond(request_id, upload_type, [&](document_writer& out) {
    out.text("FullPath", file.full_path);
    out.nullable_text("Hash", file.sha1);
    out.int64("Length", file.length);
  });
}

halibut::rpc_response encode(const std::string& request_id,
                             const downloaded_file& file) {
  if (file.contents == nullptr)
    return encode_nothing(request_id);
  auto id = halibut::make_guid();
  auto result
    = respond(request_id, data_stream_type, [&](document_writer& out) {
        out.guid("id", id);
        out.int64("length", file.contents->length);
      });
  result.streams.emplace_back(id, file.contents);
  return result;
}

halibut::rpc_response encode_nothing(const std::string& request_id) {
  halibut::rpc_response result;
  result.id = request_id;
  return result;
}

halibut::rpc_response encode(const std::string& request_id,
                             const failure& reason) {
  halibut::rpc_response result;
  result.id = request_id;
  result.error = to_error(reason);
  return result;
}

} // namespace cuttle::tentacle
