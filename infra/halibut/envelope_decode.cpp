#include <array>
#include <bson/bson.h>
#include <cstring>
#include <optional>
#include <string_view>
#include <strings.h>

#include "infra/halibut/bson_scan.hpp"
#include "infra/halibut/envelope.hpp"

namespace cuttle::halibut {

namespace {

bool is_member(const bson_iter_t& iter, const char* name) {
  return strcasecmp(bson_iter_key(&iter), name) == 0;
}

std::optional<std::string> text(const bson_iter_t& iter) {
  if (!BSON_ITER_HOLDS_UTF8(&iter))
    return std::nullopt;
  std::uint32_t size = 0;
  auto data = bson_iter_utf8(&iter, &size);
  return std::string{data, size};
}

/// An array or document below `iter` as bytes of its own.
bson_bytes bytes_of(const bson_iter_t& iter) {
  std::uint32_t size = 0;
  const std::uint8_t* data = nullptr;
  if (BSON_ITER_HOLDS_ARRAY(&iter))
    bson_iter_array(&iter, &size, &data);
  else
    bson_iter_document(&iter, &size, &data);
  return {data, data + size};
}

bson_bytes empty_document() {
  return {5, 0, 0, 0, 0};
}

/// Steps into the object `Message`; false for a null message.
outcome<bool> enter_message(std::span<const std::uint8_t> document,
                            bson_iter_t& message) {
  bson_iter_t root;
  if (!bson_iter_init_from_data(&root, document.data(), document.size()))
    return fail(errc::protocol_error, "a message holds no BSON document");
  while (bson_iter_next(&root)) {
    if (!is_member(root, "Message"))
      continue;
    if (BSON_ITER_HOLDS_NULL(&root))
      return false;
    if (!BSON_ITER_HOLDS_DOCUMENT(&root) || !bson_iter_recurse(&root, &message))
      return fail(errc::protocol_error, "a message's content is no object");
    return true;
  }
  return false;
}

/// The type name is only compared, never used; its absence is accepted.
outcome<void> check_type(const bson_iter_t& iter, std::string_view expected) {
  auto name = text(iter).value_or("");
  if (std::string_view{name}.substr(0, name.find(',')) != expected)
    return fail(errc::protocol_error,
                "a message is not the expected " + std::string{expected});
  return {};
}

outcome<server_error> decode_error(const bson_iter_t& iter) {
  bson_iter_t member;
  if (!BSON_ITER_HOLDS_DOCUMENT(&iter) || !bson_iter_recurse(&iter, &member))
    return fail(errc::protocol_error, "a response's error is no object");
  server_error result;
  while (bson_iter_next(&member)) {
    if (is_member(member, "message"))
      result.message = text(member).value_or("");
    else if (is_member(member, "details"))
      result.details = text(member).value_or("");
    else if (is_member(member, "HalibutErrorType"))
      result.halibut_type = text(member);
  }
  return result;
}

/// A value as a document whose only element is called `result`.
bson_bytes wrap_result(const bson_iter_t& value) {
  bson_t document = BSON_INITIALIZER;
  bson_append_iter(&document, "result", -1, &value);
  auto data = bson_get_data(&document);
  bson_bytes result{data, data + document.len};
  bson_destroy(&document);
  return result;
}

} // namespace

std::span<const std::uint8_t> null_document() {
  static constexpr std::array<std::uint8_t, 14> bytes
    = {0x0E, 0, 0, 0, 0x0A, 'M', 'e', 's', 's', 'a', 'g', 'e', 0, 0};
  return bytes;
}

outcome<decoded_request> decode_request(std::span<const std::uint8_t> document,
                                        const halibut::limits& limits) {
  decoded_request result;
  auto null = null_document();
  if (document.size() == null.size()
      && std::memcmp(document.data(), null.data(), null.size()) == 0) {
    result.null = true;
    return result;
  }
  auto placeholders = scan_document(document, limits);
  if (!placeholders)
    return tl::unexpected(placeholders.error());
  bson_iter_t member;
  auto present = enter_message(document, member);
  if (!present)
    return tl::unexpected(present.error());
  if (!*present) {
    result.null = true;
    return result;
  }
  result.placeholders = std::move(*placeholders);
  auto& request = result.request;
  request.params = empty_document();
  std::optional<std::string> id;
  std::optional<std::string> service;
  std::optional<std::string> method;
  while (bson_iter_next(&member)) {
    if (is_member(member, "$type")) {
      if (auto ok
          = check_type(member, "Halibut.Transport.Protocol.RequestMessage");
          !ok)
        return tl::unexpected(ok.error());
    } else if (is_member(member, "id")) {
      id = text(member);
    } else if (is_member(member, "service")) {
      service = text(member);
    } else if (is_member(member, "method")) {
      method = text(member);
    } else if (is_member(member, "params")) {
      if (BSON_ITER_HOLDS_ARRAY(&member))
        request.params = bytes_of(member);
      else if (!BSON_ITER_HOLDS_NULL(&member))
        return fail(errc::protocol_error, "a request's params are no array");
    }
  }
  if (!id || !service || !method)
    return fail(errc::protocol_error,
                "a request lacks one of id, service and method");
  request.id = std::move(*id);
  request.service = std::move(*service);
  request.method = std::move(*method);
  return result;
}

outcome<decoded_response>
decode_response(std::span<const std::uint8_t> document,
                const halibut::limits& limits) {
  decoded_response result;
  auto placeholders = scan_document(document, limits);
  if (!placeholders)
    return tl::unexpected(placeholders.error());
  bson_iter_t member;
  auto present = enter_message(document, member);
  if (!present)
    return tl::unexpected(present.error());
  if (!*present)
    return fail(errc::protocol_error,
                "the peer sent a null message where a response was due");
  result.placeholders = std::move(*placeholders);
  auto& response = result.response;
  std::optional<std::string> id;
  while (bson_iter_next(&member)) {
    if (is_member(member, "$type")) {
      if (auto ok
          = check_type(member, "Halibut.Transport.Protocol.ResponseMessage");
          !ok)
        return tl::unexpected(ok.error());
    } else if (is_member(member, "id")) {
      id = text(member);
    } else if (is_member(member, "error") && !BSON_ITER_HOLDS_NULL(&member)) {
      auto error = decode_error(member);
      if (!error)
        return tl::unexpected(error.error());
      response.error = std::move(*error);
    } else if (is_member(member, "result") && !BSON_ITER_HOLDS_NULL(&member)) {
      response.result = wrap_result(member);
    }
  }
  if (!id)
    return fail(errc::protocol_error, "a response lacks its id");
  response.id = std::move(*id);
  return result;
}

} // namespace cuttle::halibut
