// A whole session as the worker reads it: identity, then messages with their
// data streams and control lines, in fragments of any size. However the bytes
// are cut, the same things must be read, or the same trouble found.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "infra/halibut/control_line.hpp"
#include "infra/halibut/data_stream.hpp"
#include "infra/halibut/envelope.hpp"
#include "infra/halibut/inflater.hpp"

using namespace cuttle;
using namespace cuttle::halibut;

namespace {

using bytes_view = std::span<const std::uint8_t>;

halibut::limits small_limits() {
  halibut::limits result;
  result.message_bytes = 1024 * 1024;
  result.control_line_bytes = 256;
  return result;
}

class session {
public:
  /// Takes all of a fragment, unless the session broke before its end.
  void feed(bytes_view bytes) {
    // A step that needs no byte (no stream is left, say) may follow the last.
    while (phase_ != phase::broken && (!bytes.empty() || ready())) {
      auto taken = step(bytes);
      bytes = bytes.subspan(taken);
    }
  }

  /// What was read, in words.
  const std::vector<std::string>& trace() const {
    return trace_;
  }

private:
  enum class phase {
    identity,
    blank,
    message,
    header,
    body,
    trailer,
    line,
    broken
  };

  bool ready() const {
    return (phase_ == phase::header && ledger_->left() == 0)
           || (phase_ == phase::body && left_ == 0);
  }

  std::size_t broke(const char* where) {
    trace_.push_back(std::string{"broken in "} + where);
    phase_ = phase::broken;
    return 0;
  }

  std::size_t step(bytes_view bytes) {
    switch (phase_) {
    case phase::identity:
    case phase::blank:
    case phase::line:
      return read_line(bytes);
    case phase::message:
      return read_message(bytes);
    case phase::header:
      return read_header(bytes);
    case phase::body:
      return read_body(bytes);
    case phase::trailer:
      return read_trailer(bytes);
    case phase::broken:
      break;
    }
    return 0;
  }

  std::size_t read_line(bytes_view bytes) {
    auto taken = line_.feed(bytes);
    if (!taken)
      return broke("a line");
    if (!line_.done())
      return *taken;
    auto text = line_.line();
    line_.reset();
    if (phase_ == phase::identity) {
      auto peer = parse_identity(text);
      if (!peer)
        return broke("the identity");
      trace_.push_back("peer " + std::to_string(static_cast<int>(peer->role)));
      phase_ = phase::blank;
    } else if (phase_ == phase::blank) {
      if (!text.empty())
        return broke("the blank line");
      phase_ = phase::message;
    } else if (!text.empty()) {
      trace_.push_back("line " + printable(text));
      if (text != "PROCEED")
        return broke("what is no PROCEED");
      phase_ = phase::message;
    }
    return *taken;
  }

  std::size_t read_message(bytes_view bytes) {
    auto taken = inflater_.feed(bytes);
    if (!taken)
      return broke("a message");
    if (!inflater_.done())
      return *taken;
    auto document = inflater_.take();
    auto request = decode_request(document, limits_);
    if (!request)
      return broke("a document");
    trace_.push_back(request->null ? "null" : "request " + request->request.id);
    ledger_.emplace(std::move(request->placeholders), limits_);
    phase_ = phase::header;
    return *taken;
  }

  std::size_t read_header(bytes_view bytes) {
    if (ledger_->left() == 0) {
      phase_ = phase::line;
      return 0;
    }
    auto taken = gather(bytes, stream_header_bytes);
    if (kept_.size() < stream_header_bytes)
      return taken;
    auto opened = ledger_->open(
      std::span<const std::uint8_t, stream_header_bytes>{kept_});
    kept_.clear();
    if (!opened)
      return broke("a stream's header");
    stream_ = *opened;
    left_ = stream_.length;
    trace_.push_back("stream of " + std::to_string(left_));
    phase_ = phase::body;
    return taken;
  }

  std::size_t read_body(bytes_view bytes) {
    auto taken = static_cast<std::size_t>(
      std::min<std::int64_t>(left_, static_cast<std::int64_t>(bytes.size())));
    left_ -= static_cast<std::int64_t>(taken);
    if (left_ == 0)
      phase_ = phase::trailer;
    return taken;
  }

  std::size_t read_trailer(bytes_view bytes) {
    auto taken = gather(bytes, stream_trailer_bytes);
    if (kept_.size() < stream_trailer_bytes)
      return taken;
    auto closed = stream_ledger::close(
      stream_, std::span<const std::uint8_t, stream_trailer_bytes>{kept_});
    kept_.clear();
    if (!closed)
      return broke("a stream's trailer");
    phase_ = phase::header;
    return taken;
  }

  std::size_t gather(bytes_view bytes, std::size_t size) {
    auto taken = std::min(size - kept_.size(), bytes.size());
    kept_.insert(kept_.end(), bytes.begin(),
                 bytes.begin() + static_cast<std::ptrdiff_t>(taken));
    return taken;
  }

  const halibut::limits limits_ = small_limits();
  phase phase_ = phase::identity;
  line_reader line_{limits_.control_line_bytes};
  inflater inflater_{limits_};
  std::optional<stream_ledger> ledger_;
  stream_placeholder stream_;
  std::int64_t left_ = 0;
  std::vector<std::uint8_t> kept_;
  std::vector<std::string> trace_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size < 4)
    return 0;
  // The first four bytes say how the rest is cut.
  bytes_view bytes{data + 4, size - 4};
  session whole;
  whole.feed(bytes);
  session cut;
  for (std::size_t at = 0, i = 0; at < bytes.size(); ++i) {
    auto length = std::min<std::size_t>(1 + data[i % 4], bytes.size() - at);
    cut.feed(bytes.subspan(at, length));
    at += length;
  }
  if (whole.trace() != cut.trace())
    std::abort();
  return 0;
}
