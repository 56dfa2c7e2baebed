#pragma once

#include <bson/bson.h>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "infra/halibut/rpc.hpp"
#include "infra/tentacle/time_text.hpp"

namespace cuttle::tentacle {

/// A value of a name on the wire, for enumerations.
struct enum_name {
  std::string_view name;
  std::int32_t value;
};

/// Where a decoder stands and the first thing that did not fit. The readers
/// below return a default after a mismatch, so that decoding goes on without a
/// check at each step; whoever started it looks at `error` in the end.
class decode_context {
public:
  /// Notes a mismatch at the current place, unless there was one before.
  void mismatch(std::string_view what);

  bool failed() const {
    return !error_.empty();
  }

  /// Such as `Files/3/Name must be text, not a number`.
  const std::string& error() const {
    return error_;
  }

  /// Enters a member for the life of the guard. Names must be literals or
  /// outlive it; names from the wire must not be used.
  class scope {
  public:
    scope(decode_context& context, std::string_view name);
    scope(decode_context& context, std::size_t index);
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;
    ~scope();

  private:
    decode_context& context_;
    std::size_t size_;
  };

private:
  std::string path_;
  std::string error_;
};

/// One element of a document. Reads are checked against the element's type and
/// never trust a length; text is made valid UTF-8.
class element {
public:
  element(decode_context& context, const bson_iter_t& at)
    : context_(&context), at_(at) {}

  bool is_null() const;

  bool is_document() const;

  /// Member name; ill-formed UTF-8 is possible.
  std::string_view name() const;

  /// Whether the name is this one in any case.
  bool named(std::string_view name) const;

  /// Text; null gives an empty one.
  std::string text() const;
  std::optional<std::string> nullable_text() const;
  bool boolean() const;
  /// Any integer, or a double without fraction.
  std::int64_t integer() const;
  std::int32_t integer32() const;
  /// A number or a name in any case.
  std::int32_t enumeration(std::initializer_list<enum_name> names) const;
  /// TimeSpan text.
  ticks time_span() const;
  /// A date or ISO 8601 text.
  timestamp date() const;
  /// Binary with 16 bytes or text form.
  halibut::guid guid() const;

  /// Calls `visit(element)` for each member of a document, in order.
  template <class Visitor>
  void each_member(Visitor&& visit) const {
    bson_iter_t child;
    if (!enter(BSON_TYPE_DOCUMENT, child))
      return;
    while (!context_->failed() && bson_iter_next(&child))
      visit(element{*context_, child});
    leave(child);
  }

  /// Calls `visit(element)` for each element of an array; a mismatch if there
  /// are more than `limit` of `things`.
  template <class Visitor>
  void each_element(std::size_t limit, std::string_view things,
                    Visitor&& visit) const {
    bson_iter_t child;
    if (!enter(BSON_TYPE_ARRAY, child))
      return;
    for (std::size_t i = 0; !context_->failed() && bson_iter_next(&child);
         ++i) {
      if (i == limit) {
        too_many(limit, things);
        return;
      }
      decode_context::scope at{*context_, i};
      visit(element{*context_, child});
    }
    leave(child);
  }

  decode_context& context() const {
    return *context_;
  }

private:
  bool enter(bson_type_t type, bson_iter_t& child) const;
  void leave(const bson_iter_t& child) const;
  void too_many(std::size_t limit, std::string_view things) const;
  void wrong_type(std::string_view expected) const;
  std::string_view raw_text() const;

  decode_context* context_;
  bson_iter_t at_;
};

/// The elements of a whole document, at most `limit`; a mismatch for bytes that
/// are no document. The elements point into `document`.
std::vector<element> elements_of(decode_context& context,
                                 const halibut::bson_bytes& document,
                                 std::size_t limit);

/// Compares ASCII text without regard to case.
bool equal_ignoring_case(std::string_view x, std::string_view y);

} // namespace cuttle::tentacle
