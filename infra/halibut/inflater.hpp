#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "infra/halibut/limits.hpp"
#include "infra/halibut/rpc.hpp"

namespace cuttle::halibut {

/// Reads one message's raw deflate stream from pieces of any size (`halibut`
/// 9.2), with limits on size and ratio. Reusable; not thread-safe.
class inflater {
public:
  explicit inflater(const halibut::limits& limits);
  ~inflater();

  inflater(const inflater&) = delete;
  inflater& operator=(const inflater&) = delete;

  /// Takes bytes up to the end of the deflate stream and none beyond; returns
  /// how many. Fails with `protocol_error`, and `overloaded` for a document
  /// over a limit; the connection is lost then.
  outcome<std::size_t> feed(std::span<const std::uint8_t> bytes);

  /// Whether the deflate stream has ended.
  bool done() const {
    return done_;
  }

  /// Bytes of the document so far.
  std::size_t size() const {
    return document_.size();
  }

  /// The document, without what followed its root. Resets for the next message.
  bson_bytes take();

  /// Forgets a message begun.
  void reset();

private:
  struct impl;

  /// Checks the figures after some output; nothing when all is well.
  outcome<void> check() const;

  /// Makes room for so many bytes more.
  void reserve(std::size_t more);

  std::unique_ptr<impl> impl_;
  std::size_t message_limit_;
  std::size_t ratio_limit_;
  bson_bytes document_;
  std::size_t input_ = 0;
  std::size_t output_ = 0;
  bool done_ = false;
};

/// Compresses a document to a message that every receiver consumes to its last
/// byte: above 65,536 bytes it ends with a stored block (`halibut` 9.4).
bson_bytes deflate_message(std::span<const std::uint8_t> document);

} // namespace cuttle::halibut
