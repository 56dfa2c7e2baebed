#include "infra/halibut/bson_scan.hpp"

#include <algorithm>
#include <bson/bson.h>
#include <optional>
#include <string_view>

#include "infra/crypto/text_encoding.hpp"
#include "infra/halibut/limit_names.hpp"

namespace cuttle::halibut {

namespace {

/// One open document or array, and what speaks for it being a placeholder.
struct level {
  bson_iter_t iter;
  std::optional<guid> id;
  bool id_is_text = false;
  std::optional<std::int64_t> length;
  bool other_members = false;
};

outcome<level> open_level(const std::uint8_t* data, std::size_t size) {
  level result;
  if (!bson_iter_init_from_data(&result.iter, data, size))
    return fail(errc::protocol_error,
                "a BSON document has a wrong length or no end");
  return result;
}

bool is_text(bson_type_t type) {
  return type == BSON_TYPE_UTF8 || type == BSON_TYPE_CODE
         || type == BSON_TYPE_SYMBOL;
}

/// Text of the element, whatever its length; only for `BSON_TYPE_UTF8`.
std::string_view text_of(const bson_iter_t& iter) {
  std::uint32_t size = 0;
  auto text = bson_iter_utf8(&iter, &size);
  return {text, size};
}

void note_id(level& x) {
  if (BSON_ITER_HOLDS_BINARY(&x.iter)) {
    bson_subtype_t subtype;
    std::uint32_t size = 0;
    const std::uint8_t* bytes = nullptr;
    bson_iter_binary(&x.iter, &subtype, &size, &bytes);
    auto guid_like = subtype == BSON_SUBTYPE_BINARY
                     || subtype == BSON_SUBTYPE_UUID
                     || subtype == BSON_SUBTYPE_UUID_DEPRECATED;
    if (guid_like && size == 16) {
      std::copy_n(bytes, 16, x.id.emplace().begin());
      x.id_is_text = false;
    }
  } else if (BSON_ITER_HOLDS_UTF8(&x.iter)) {
    x.id = parse_guid(text_of(x.iter));
    x.id_is_text = true;
  }
}

void note_member(level& x) {
  std::string_view key = bson_iter_key(&x.iter);
  if (key == "id")
    note_id(x);
  else if (key == "length" && BSON_ITER_HOLDS_INT(&x.iter))
    x.length = bson_iter_as_int64(&x.iter);
  else if (key != "$type")
    x.other_members = true;
}

bool is_placeholder(const level& x) {
  // A text that looks like a guid is too common to decide alone.
  return x.id && x.length && (!x.id_is_text || !x.other_members);
}

outcome<void> check_text(const bson_iter_t& iter,
                         const halibut::limits& limits) {
  auto text = text_of(iter);
  if (text.size() > limits.string_bytes)
    return fail(errc::overloaded, "a BSON string of "
                                    + std::to_string(text.size())
                                    + " bytes is over the limit of "
                                    + std::to_string(limits.string_bytes)
                                    + raised_by(raise::text));
  if (!crypto::valid_utf8(text))
    return fail(errc::protocol_error, "a BSON string is not UTF-8");
  return {};
}

} // namespace

outcome<std::vector<stream_placeholder>>
scan_document(std::span<const std::uint8_t> document,
              const halibut::limits& limits) {
  std::vector<stream_placeholder> result;
  // Levels are large and aligned so that allocating them anew for each message
  // is noticed; each thread keeps its own, at most `nesting` of them.
  thread_local std::vector<level> open;
  open.clear();
  auto root = open_level(document.data(), document.size());
  if (!root)
    return tl::unexpected(root.error());
  open.push_back(*root);
  while (!open.empty()) {
    auto& top = open.back();
    if (!bson_iter_next(&top.iter)) {
      if (top.iter.err_off != 0)
        return fail(errc::protocol_error,
                    "a BSON element has a wrong length or an unknown type");
      if (is_placeholder(top)) {
        if (*top.length < 0)
          return fail(errc::protocol_error,
                      "a data stream has a negative length");
        if (result.size() >= limits.streams)
          return fail(errc::overloaded, "a message has more than "
                                          + std::to_string(limits.streams)
                                          + " data streams"
                                          + raised_by(raise::streams));
        result.push_back({*top.id, *top.length});
      }
      open.pop_back();
      continue;
    }
    note_member(top);
    auto type = bson_iter_type(&top.iter);
    if (type == BSON_TYPE_UTF8) {
      if (auto ok = check_text(top.iter, limits); !ok)
        return tl::unexpected(ok.error());
    } else if (is_text(type) || type == BSON_TYPE_CODEWSCOPE) {
      return fail(errc::protocol_error,
                  "a BSON document holds code, which no peer writes");
    } else if (type == BSON_TYPE_DOCUMENT || type == BSON_TYPE_ARRAY) {
      if (open.size() >= limits.nesting)
        return fail(errc::overloaded, "a BSON document is nested deeper than "
                                        + std::to_string(limits.nesting)
                                        + raised_by(raise::nesting));
      std::uint32_t size = 0;
      const std::uint8_t* data = nullptr;
      if (type == BSON_TYPE_DOCUMENT)
        bson_iter_document(&top.iter, &size, &data);
      else
        bson_iter_array(&top.iter, &size, &data);
      auto child = open_level(data, size);
      if (!child)
        return tl::unexpected(child.error());
      open.push_back(*child);
    }
  }
  return result;
}

} // namespace cuttle::halibut
