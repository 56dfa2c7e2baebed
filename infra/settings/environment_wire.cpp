#include "infra/halibut/limit_names.hpp"
#include "infra/settings/environment_reader.hpp"

namespace cuttle::settings {

namespace {

void seconds(environment_reader& in, const char* name, std::uint64_t min,
             std::uint64_t max, std::chrono::milliseconds& value) {
  auto number = value.count() / 1000;
  in.number(name, min, max, number);
  value = std::chrono::seconds{number};
}

} // namespace

void read_wire(environment_reader& in, halibut::limits& out) {
  namespace raise = halibut::raise;
  constexpr std::size_t mib = 1024 * 1024;
  constexpr std::size_t gib = 1024 * mib;
  // (a BSON document's length has 31 bits)
  in.bytes(raise::message, mib, 2 * gib - 1, out.message_bytes);
  in.bytes(raise::all_messages, mib, 64 * gib, out.all_messages_bytes);
  in.bytes(raise::text, mib, 2 * gib - 1, out.string_bytes);
  auto stream = static_cast<std::size_t>(out.stream_bytes);
  in.bytes(raise::stream, mib, 16'384 * gib, stream);
  out.stream_bytes = static_cast<std::int64_t>(stream);
  in.number(raise::streams, 1, 100'000, out.streams);
  in.number(raise::nesting, 16, 1'000, out.nesting);
  in.number(raise::ratio, 20, 1'100, out.inflate_ratio);
  seconds(in, raise::connect, 1, 600, out.connect);
  seconds(in, raise::proxy, 1, 600, out.proxy);
  seconds(in, raise::handshake, 1, 600, out.handshake);
  seconds(in, raise::control, 1, 600, out.control);
  seconds(in, raise::io, 1, 3'600, out.io);
  // Longer than a server lets a connection rest before a null message, 30 s.
  seconds(in, raise::request_wait, 35, 3'600, out.request_wait);
  seconds(in, raise::listening_wait, 1, 86'400, out.listening_request_wait);
  in.number(raise::connections, 1, 65'536, out.connections);
  in.number(raise::peer_connections, 1, 65'536, out.connections_per_peer);
}

} // namespace cuttle::settings
