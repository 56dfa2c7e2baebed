#include "infra/tentacle/services.hpp"

#include <array>
#include <exception>

#include "infra/tentacle/decode.hpp"
#include "infra/tentacle/errors.hpp"
#include "infra/tentacle/type_names.hpp"

namespace cuttle::tentacle {

namespace {

using parameters = std::vector<element>;

struct method {
  std::string_view service;
  std::string_view name;
  std::size_t parameter_count;
  service_call (*decode)(const parameters&, stream_resolver&);
};

constexpr std::size_t max_parameters = 16;

constexpr std::array methods = {
  method{capabilities_service, "GetCapabilities", 0,
         [](const parameters&, stream_resolver&) -> service_call {
           return get_capabilities{};
         }},
  method{script_service, "StartScript", 1,
         [](const parameters& list, stream_resolver& streams) -> service_call {
           return decode_start(list[0], streams);
         }},
  method{script_service, "GetStatus", 1,
         [](const parameters& list, stream_resolver&) -> service_call {
           return decode_status(list[0]);
         }},
  method{script_service, "CancelScript", 1,
         [](const parameters& list, stream_resolver&) -> service_call {
           return decode_cancel(list[0]);
         }},
  method{script_service, "CompleteScript", 1,
         [](const parameters& list, stream_resolver&) -> service_call {
           return decode_complete(list[0]);
         }},
  method{file_service, "UploadFile", 2,
         [](const parameters& list, stream_resolver& streams) -> service_call {
           return decode_upload(list, streams);
         }},
  method{file_service, "DownloadFile", 1,
         [](const parameters& list, stream_resolver&) -> service_call {
           return decode_download(list[0]);
         }},
};

// Services match exactly, methods in any case (`halibut` 11.1).
const method* find_method(const halibut::rpc_request& request) {
  for (auto& entry : methods)
    if (entry.service == request.service
        && equal_ignoring_case(entry.name, request.method))
      return &entry;
  return nullptr;
}

bool known_service(std::string_view name) {
  return name == capabilities_service || name == script_service
         || name == file_service;
}

} // namespace

std::variant<service_call, halibut::server_error>
decode(const halibut::rpc_request& request) {
  if (!known_service(request.service))
    return service_not_found(request.service);
  auto* called = find_method(request);
  if (called == nullptr)
    return method_not_found(request.service, request.method);
  decode_context context;
  auto list = elements_of(context, request.params, max_parameters);
  if (!context.failed() && list.size() != called->parameter_count)
    return wrong_parameters(
      called->name, "it takes " + std::to_string(called->parameter_count)
                      + ", not " + std::to_string(list.size()));
  if (context.failed())
    return wrong_parameters(called->name, context.error());
  stream_resolver streams{request};
  auto result = called->decode(list, streams);
  if (context.failed())
    return wrong_parameters(called->name, context.error());
  return result;
}

} // namespace cuttle::tentacle
