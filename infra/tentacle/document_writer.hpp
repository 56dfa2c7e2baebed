#pragma once

#include <bson/bson.h>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "infra/halibut/rpc.hpp"
#include "messages/script.hpp"

namespace cuttle::tentacle {

/// Writes one document. Text is made valid UTF-8; NUL inside of text is kept.
/// When something does not fit (2 GiB), `take` gives nothing.
class document_writer {
public:
  document_writer();
  document_writer(const document_writer&) = delete;
  document_writer& operator=(const document_writer&) = delete;
  ~document_writer();

  void null(std::string_view key);
  void text(std::string_view key, std::string_view value);
  void nullable_text(std::string_view key,
                     const std::optional<std::string>& value);
  void boolean(std::string_view key, bool value);
  void int32(std::string_view key, std::int32_t value);
  void int64(std::string_view key, std::int64_t value);
  void real(std::string_view key, double value);
  /// UTC milliseconds, rounded down.
  void date(std::string_view key, timestamp value);
  /// Binary with subtype 04.
  void guid(std::string_view key, const halibut::guid& value);
  void binary(std::string_view key, std::span<const std::uint8_t> value,
              bson_subtype_t subtype);

  /// Writes a nested document or array with `write()`, which uses this writer
  /// again.
  template <class Write>
  void document(std::string_view key, Write&& write) {
    nest(key, false, &call<std::remove_reference_t<Write>>, &write);
  }
  template <class Write>
  void array(std::string_view key, Write&& write) {
    nest(key, true, &call<std::remove_reference_t<Write>>, &write);
  }

  /// Writes `values` as an array with `write(key, value)`, which adds one
  /// element with that key.
  template <class Values, class Write>
  void list(std::string_view key, const Values& values, Write&& write) {
    array(key, [&] {
      std::uint32_t i = 0;
      for (auto& value : values)
        write(std::to_string(i++), value);
    });
  }

  /// The document's bytes; call once, in the end.
  std::optional<halibut::bson_bytes> take();

private:
  template <class Write>
  static void call(void* write) {
    (*static_cast<Write*>(write))();
  }

  void nest(std::string_view key, bool is_array, void (*write)(void*),
            void* argument);
  void check(bool appended) {
    good_ = good_ && appended;
  }

  bson_t root_;
  bson_t* current_;
  bool good_ = true;
};

} // namespace cuttle::tentacle
