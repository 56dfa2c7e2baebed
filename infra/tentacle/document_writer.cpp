#include "infra/tentacle/document_writer.hpp"

#include <limits>

#include "infra/crypto/text_encoding.hpp"
#include "infra/tentacle/time_text.hpp"

namespace cuttle::tentacle {

namespace {

// Keys are names of this program's, so their length is no question.
int length(std::string_view key) {
  return static_cast<int>(key.size());
}

} // namespace

document_writer::document_writer() : current_(&root_) {
  bson_init(&root_);
}

document_writer::~document_writer() {
  bson_destroy(&root_);
}

void document_writer::null(std::string_view key) {
  check(bson_append_null(current_, key.data(), length(key)));
}

void document_writer::text(std::string_view key, std::string_view value) {
  constexpr auto limit
    = static_cast<std::size_t>(std::numeric_limits<int>::max()) / 2;
  auto append = [&](std::string_view clean) {
    check(clean.size() < limit
          && bson_append_utf8(current_, key.data(), length(key), clean.data(),
                              static_cast<int>(clean.size())));
  };
  if (value.empty())
    append(std::string_view{""});
  else if (crypto::valid_utf8(value))
    append(value);
  else
    append(crypto::sanitise_utf8(value));
}

void document_writer::nullable_text(std::string_view key,
                                    const std::optional<std::string>& value) {
  if (value)
    text(key, *value);
  else
    null(key);
}

void document_writer::boolean(std::string_view key, bool value) {
  check(bson_append_bool(current_, key.data(), length(key), value));
}

void document_writer::int32(std::string_view key, std::int32_t value) {
  check(bson_append_int32(current_, key.data(), length(key), value));
}

void document_writer::int64(std::string_view key, std::int64_t value) {
  check(bson_append_int64(current_, key.data(), length(key), value));
}

void document_writer::date(std::string_view key, timestamp value) {
  check(bson_append_date_time(current_, key.data(), length(key),
                              to_bson_date(value)));
}

void document_writer::real(std::string_view key, double value) {
  check(bson_append_double(current_, key.data(), length(key), value));
}

void document_writer::guid(std::string_view key, const halibut::guid& value) {
  binary(key, value, BSON_SUBTYPE_UUID);
}

void document_writer::binary(std::string_view key,
                             std::span<const std::uint8_t> value,
                             bson_subtype_t subtype) {
  check(bson_append_binary(current_, key.data(), length(key), subtype,
                           value.data(),
                           static_cast<std::uint32_t>(value.size())));
}

void document_writer::nest(std::string_view key, bool is_array,
                           void (*write)(void*), void* argument) {
  // After a failure the parent may not be used any more.
  if (!good_)
    return;
  auto* parent = current_;
  bson_t child;
  auto begin = is_array ? bson_append_array_begin : bson_append_document_begin;
  if (!begin(parent, key.data(), length(key), &child)) {
    good_ = false;
    return;
  }
  current_ = &child;
  write(argument);
  current_ = parent;
  auto end = is_array ? bson_append_array_end : bson_append_document_end;
  check(end(parent, &child));
}

std::optional<halibut::bson_bytes> document_writer::take() {
  if (!good_)
    return std::nullopt;
  auto* data = bson_get_data(&root_);
  return halibut::bson_bytes{data, data + root_.len};
}

} // namespace cuttle::tentacle
