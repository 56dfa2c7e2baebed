#include "infra/tentacle/decode.hpp"

namespace cuttle::tentacle {

namespace {

std::string remote_path(const element& parameter) {
  decode_context::scope at{parameter.context(), "remotePath"};
  auto result = parameter.text();
  if (result.empty())
    parameter.context().mismatch("must be the path of a file");
  if (result.find('\0') != std::string::npos)
    parameter.context().mismatch("must not contain NUL");
  return result;
}

} // namespace

stream_resolver::stream_resolver(const halibut::rpc_request& request)
  : request_(request), taken_(request.streams.size()) {}

received_stream stream_resolver::resolve(const element& placeholder) {
  auto& context = placeholder.context();
  std::optional<halibut::guid> id;
  placeholder.each_member([&](const element& member) {
    if (member.named("id")) {
      decode_context::scope at{context, "id"};
      id = member.guid();
    } else if (member.named("length")) {
      decode_context::scope at{context, "length"};
      member.integer();
    }
  });
  if (!id) {
    context.mismatch("must be a data stream");
    return nullptr;
  }
  for (std::size_t i = 0; i < taken_.size(); ++i) {
    auto& [stream_id, stream] = request_.streams[i];
    if (taken_[i] || stream_id != *id)
      continue;
    taken_[i] = true;
    if (stream == nullptr)
      break;
    return stream;
  }
  context.mismatch("refers to a data stream that did not come with the "
                   "request");
  return nullptr;
}

upload_file decode_upload(const std::vector<element>& parameters,
                          stream_resolver& streams) {
  upload_file result;
  result.remote_path = remote_path(parameters[0]);
  decode_context::scope at{parameters[1].context(), "upload"};
  if (!parameters[1].is_null())
    result.contents = streams.resolve(parameters[1]);
  return result;
}

download_file decode_download(const element& parameter) {
  return {remote_path(parameter)};
}

} // namespace cuttle::tentacle
