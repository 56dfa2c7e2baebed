#include "infra/tentacle/document_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "infra/crypto/text_encoding.hpp"

namespace cuttle::tentacle {

namespace {

std::string_view type_name(bson_type_t type) {
  switch (type) {
  case BSON_TYPE_DOUBLE:
  case BSON_TYPE_INT32:
  case BSON_TYPE_INT64:
  case BSON_TYPE_DECIMAL128:
    return "a number";
  case BSON_TYPE_UTF8:
    return "text";
  case BSON_TYPE_DOCUMENT:
    return "an object";
  case BSON_TYPE_ARRAY:
    return "an array";
  case BSON_TYPE_BINARY:
    return "binary data";
  case BSON_TYPE_BOOL:
    return "a truth value";
  case BSON_TYPE_DATE_TIME:
    return "a date";
  case BSON_TYPE_NULL:
    return "null";
  default:
    return "a value of an unexpected type";
  }
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

} // namespace

bool equal_ignoring_case(std::string_view x, std::string_view y) {
  return std::equal(x.begin(), x.end(), y.begin(), y.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

// -- decode_context ----------------------------------------------------------

void decode_context::mismatch(std::string_view what) {
  if (failed())
    return;
  error_ = path_.empty() ? "the parameters" : path_;
  error_ += ' ';
  error_ += what;
}

decode_context::scope::scope(decode_context& context, std::string_view name)
  : context_(context), size_(context.path_.size()) {
  if (size_ > 0)
    context_.path_ += '/';
  context_.path_ += name;
}

decode_context::scope::scope(decode_context& context, std::size_t index)
  : scope(context, std::string_view{std::to_string(index)}) {}

decode_context::scope::~scope() {
  context_.path_.resize(size_);
}

// -- element -----------------------------------------------------------------

bool element::is_null() const {
  return BSON_ITER_HOLDS_NULL(&at_);
}

bool element::is_document() const {
  return BSON_ITER_HOLDS_DOCUMENT(&at_);
}

std::string_view element::name() const {
  return {bson_iter_key(&at_), bson_iter_key_len(&at_)};
}

bool element::named(std::string_view expected) const {
  return equal_ignoring_case(name(), expected);
}

void element::wrong_type(std::string_view expected) const {
  std::string text = "must be ";
  text += expected;
  text += ", not ";
  text += type_name(bson_iter_type(&at_));
  context_->mismatch(text);
}

void element::too_many(std::size_t limit, std::string_view things) const {
  std::string text = "has more than ";
  text += std::to_string(limit);
  text += ' ';
  text += things;
  text += ", which is the limit of this worker";
  context_->mismatch(text);
}

std::string_view element::raw_text() const {
  std::uint32_t size = 0;
  auto* data = bson_iter_utf8(&at_, &size);
  return data == nullptr ? std::string_view{} : std::string_view{data, size};
}

std::string element::text() const {
  return nullable_text().value_or(std::string{});
}

std::optional<std::string> element::nullable_text() const {
  if (is_null())
    return std::nullopt;
  if (!BSON_ITER_HOLDS_UTF8(&at_)) {
    wrong_type("text");
    return std::nullopt;
  }
  return crypto::sanitise_utf8(raw_text());
}

bool element::boolean() const {
  if (!BSON_ITER_HOLDS_BOOL(&at_))
    wrong_type("a truth value");
  return BSON_ITER_HOLDS_BOOL(&at_) && bson_iter_bool(&at_);
}

std::int64_t element::integer() const {
  switch (bson_iter_type(&at_)) {
  case BSON_TYPE_INT32:
    return bson_iter_int32(&at_);
  case BSON_TYPE_INT64:
    return bson_iter_int64(&at_);
  case BSON_TYPE_DOUBLE: {
    constexpr auto limit = 9223372036854775808.0;
    auto value = bson_iter_double(&at_);
    if (value >= -limit && value < limit && std::trunc(value) == value)
      return static_cast<std::int64_t>(value);
    context_->mismatch("must be a whole number of 64 bits");
    return 0;
  }
  default:
    wrong_type("a number");
    return 0;
  }
}

std::int32_t element::integer32() const {
  using limits = std::numeric_limits<std::int32_t>;
  auto value = integer();
  if (value < limits::min() || value > limits::max()) {
    context_->mismatch("must be a whole number of 32 bits");
    return 0;
  }
  return static_cast<std::int32_t>(value);
}

std::int32_t
element::enumeration(std::initializer_list<enum_name> names) const {
  if (!BSON_ITER_HOLDS_UTF8(&at_)) {
    auto value = integer();
    for (auto& entry : names)
      if (entry.value == value)
        return entry.value;
  } else {
    auto text = raw_text();
    std::int32_t value = 0;
    auto [end, error]
      = std::from_chars(text.data(), text.data() + text.size(), value);
    auto numeric = error == std::errc{} && end == text.data() + text.size();
    for (auto& entry : names)
      if (equal_ignoring_case(text, entry.name)
          || (numeric && value == entry.value))
        return entry.value;
  }
  std::string allowed = "must be one of ";
  for (auto& entry : names) {
    if (&entry != names.begin())
      allowed += ", ";
    allowed += entry.name;
  }
  context_->mismatch(allowed);
  return 0;
}

ticks element::time_span() const {
  if (!BSON_ITER_HOLDS_UTF8(&at_)) {
    wrong_type("a time span such as 1.02:03:04.5000000");
    return {};
  }
  auto value = parse_time_span(raw_text());
  if (!value)
    context_->mismatch("must be a time span such as 1.02:03:04.5000000");
  return value.value_or(ticks{});
}

timestamp element::date() const {
  if (BSON_ITER_HOLDS_DATE_TIME(&at_))
    return from_bson_date(bson_iter_date_time(&at_));
  if (!BSON_ITER_HOLDS_UTF8(&at_)) {
    wrong_type("a date");
    return {};
  }
  auto value = parse_iso_time(raw_text());
  if (!value)
    context_->mismatch("must be a date");
  return value.value_or(timestamp{});
}

halibut::guid element::guid() const {
  halibut::guid result{};
  if (BSON_ITER_HOLDS_UTF8(&at_)) {
    if (auto parsed = halibut::parse_guid(raw_text()))
      return *parsed;
    context_->mismatch("must be a guid");
    return result;
  }
  if (!BSON_ITER_HOLDS_BINARY(&at_)) {
    wrong_type("a guid");
    return result;
  }
  auto subtype = BSON_SUBTYPE_BINARY;
  std::uint32_t size = 0;
  const std::uint8_t* data = nullptr;
  bson_iter_binary(&at_, &subtype, &size, &data);
  auto known = subtype == BSON_SUBTYPE_UUID
               || subtype == BSON_SUBTYPE_UUID_DEPRECATED
               || subtype == BSON_SUBTYPE_BINARY;
  if (!known || size != result.size() || data == nullptr) {
    context_->mismatch("must be a guid of 16 bytes");
    return result;
  }
  std::copy_n(data, result.size(), result.begin());
  return result;
}

bool element::enter(bson_type_t type, bson_iter_t& child) const {
  if (bson_iter_type(&at_) != type) {
    wrong_type(type_name(type));
    return false;
  }
  if (!bson_iter_recurse(&at_, &child)) {
    context_->mismatch("is damaged");
    return false;
  }
  return true;
}

void element::leave(const bson_iter_t& child) const {
  // The iterator ends in the same way for the end and for damage, but leaves
  // the offset of the latter.
  if (child.err_off != 0)
    context_->mismatch("is damaged");
}

std::vector<element> elements_of(decode_context& context,
                                 const halibut::bson_bytes& document,
                                 std::size_t limit) {
  std::vector<element> result;
  bson_iter_t at;
  if (document.empty())
    return result;
  if (!bson_iter_init_from_data(&at, document.data(), document.size())) {
    context.mismatch("are damaged");
    return result;
  }
  while (bson_iter_next(&at)) {
    if (result.size() == limit) {
      context.mismatch("are more than any method has");
      return result;
    }
    result.emplace_back(context, at);
  }
  if (at.err_off != 0)
    context.mismatch("are damaged");
  return result;
}

} // namespace cuttle::tentacle
