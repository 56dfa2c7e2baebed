// Feeds the bytes of a pod's log, which a script and a node can both spoil, to
// the reader: whatever comes, numbers rise, texts are UTF-8, memory is bounded.

#include <cstdint>
#include <cstdlib>

#include "infra/crypto/text_encoding.hpp"
#include "infra/podlog/frame.hpp"
#include "infra/podlog/reader.hpp"

namespace {

using namespace cuttle;

constexpr std::size_t longest_line = 4096;

// A breach of what the reader promises is a crash for the fuzzer.
void require(bool condition) {
  if (!condition)
    std::abort();
}

crypto::log_key corpus_key() {
  crypto::log_key result;
  constexpr std::string_view text = "qwertyuioplkjhgfdsazxcvbnmqwertd";
  std::copy(text.begin(), text.end(), result.value.begin());
  return result;
}

void check(const log_batch& batch, std::int64_t& last) {
  std::size_t bytes = 0;
  for (const auto& line : batch.lines) {
    require(line.number > last);
    last = line.number;
    require(crypto::valid_utf8(line.line.text));
    bytes += memory_of(line);
  }
  for (const auto& remark : batch.remarks) {
    require(crypto::valid_utf8(remark.text));
    bytes += memory_of(remark);
  }
  require(bytes == batch.bytes);
}

} // namespace

// The first byte chooses how the rest is cut into chunks and streams.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size == 0)
    return 0;
  static const auto key = corpus_key();
  std::string_view input{reinterpret_cast<const char*>(data + 1), size - 1};
  auto chunk = static_cast<std::size_t>(data[0] % 64 + 1);
  podlog::reader uut{key, data[0] / 64, longest_line};
  std::int64_t last = data[0] / 64;
  auto rereads = 0;
  for (auto rest = input; !rest.empty();) {
    auto advice = uut.feed(rest.substr(0, chunk));
    rest.remove_prefix(std::min(chunk, rest.size()));
    check(uut.take(), last);
    require(uut.last_number() == last);
    if (advice == podlog::reader::advice::reread) {
      uut.restart(true);
      // Once from the start, as the kubelet would give it; then further on.
      if (++rereads == 1)
        rest = input;
    }
  }
  uut.finish();
  check(uut.take(), last);
  // Read again, nothing may come twice.
  uut.restart(true);
  uut.feed(input);
  uut.finish();
  check(uut.take(), last);
  auto first = input.substr(0, input.find('\n'));
  auto parsed = podlog::parse_line(first, key);
  if (auto* damage = std::get_if<podlog::damaged_line>(&parsed))
    require(crypto::valid_utf8(damage->message));
  return 0;
}
