#include "benchmarks/hostile/attacks.hpp"

#include <array>
#include <bson/bson.h>
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <random>
#include <thread>
#include <zlib.h>

#include "benchmarks/hostile/peer.hpp"
#include "infra/halibut/data_stream.hpp"
#include "infra/halibut/envelope.hpp"
#include "infra/halibut/inflater.hpp"
#include "tests/unit/runner_link/raw_runner.hpp"

namespace cuttle::bench {

namespace {

using namespace std::chrono_literals;

// More addresses than one, since there is a limit for each.
constexpr unsigned addresses = 8;

std::string noise(std::size_t size) {
  static std::mt19937_64 source{1};
  std::string result(size, '\0');
  for (auto& c : result)
    c = static_cast<char>(source());
  return result;
}

// A message of the largest size that is allowed, as much compressed as is
// allowed, without its last bytes.
const std::string& bomb() {
  static const auto result = [] {
    constexpr std::uint32_t size = 256u * 1024 * 1024;
    constexpr std::size_t piece = 64 * 1024;
    z_stream stream{};
    deflateInit2(&stream, 1, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
    std::string out;
    std::array<char, piece> room;
    for (std::size_t done = 0; done < size; done += piece) {
      // Some 300 bytes of each piece do not compress: a ratio below 200.
      auto text = noise(300) + std::string(piece - 300, '\0');
      if (done == 0)
        for (auto i = 0u; i < 4; ++i)
          text[i] = static_cast<char>(size >> (8 * i));
      stream.next_in = reinterpret_cast<Bytef*>(text.data());
      stream.avail_in = piece;
      do {
        stream.next_out = reinterpret_cast<Bytef*>(room.data());
        stream.avail_out = room.size();
        deflate(&stream, Z_NO_FLUSH);
        out.append(room.data(), room.size() - stream.avail_out);
      } while (stream.avail_out == 0);
    }
    deflateEnd(&stream);
    return out;
  }();
  return result;
}

std::string text_of(const halibut::bson_bytes& bytes) {
  return {bytes.begin(), bytes.end()};
}

struct announced {
  std::string message;
  std::vector<halibut::guid> ids;
};

// A request that announces so many streams.
announced announce(unsigned count, std::int64_t length) {
  announced result;
  halibut::outgoing_request request;
  request.service = "IFileTransferService";
  request.method = "UploadFile";
  auto source = std::make_shared<stream_source>();
  source->length = length;
  bson_t document = BSON_INITIALIZER;
  for (unsigned i = 0; i < count; ++i) {
    auto key = std::to_string(i);
    auto id = halibut::make_guid();
    bson_t child;
    bson_append_document_begin(&document, key.c_str(), -1, &child);
    bson_append_utf8(&child, "$type", -1, "Halibut.DataStream, Halibut", -1);
    bson_append_binary(&child, "id", -1, BSON_SUBTYPE_UUID, id.data(), 16);
    bson_append_int64(&child, "length", -1, length);
    bson_append_document_end(&document, &child);
    request.streams.emplace_back(id, source);
    result.ids.push_back(id);
  }
  auto data = bson_get_data(&document);
  request.params.assign(data, data + document.len);
  bson_destroy(&document);
  auto encoded = halibut::encode_request(
    request, {"1", halibut::make_guid(), "", "00"}, {});
  result.message = text_of(halibut::deflate_message(encoded.value()));
  return result;
}

std::string header(const halibut::guid& id, std::int64_t length) {
  auto bytes = halibut::format_stream_header({id, length});
  return {bytes.begin(), bytes.end()};
}

std::string trailer(std::int64_t length) {
  auto bytes = halibut::format_stream_trailer(length);
  return {bytes.begin(), bytes.end()};
}

// As far as a stolen key leads: where a message is awaited.
bool greet(hostile_peer& x, victim whom, const loot& what) {
  if (!x.secure(&what.trusted))
    return false;
  if (whom == victim::listening_worker)
    return x.send("MX\r\n\r\nMX-CLIENT 1.0\r\n\r\n") && x.wait_for("\r\n\r\n");
  // A worker has to be asked before it may answer.
  return x.send(std::string{"MX\r\n\r\nMX-SUBSCRIBER 1.0 "}
                + attackers_subscription + "\r\n\r\n")
         && x.wait_for("\r\n\r\n") && x.wait_for_any();
}

using act = std::function<void(hostile_peer&)>;

struct kind {
  const char* name;
  act first;
  /// Once a second.
  act then;
};

std::vector<kind> kinds_for(victim whom, const loot& what) {
  auto nothing = [](hostile_peer&) {};
  std::vector<kind> result{
    {"silent after TCP", nothing, nothing},
    {"half a TLS hello",
     [](hostile_peer& x) {
       x.plain({"\x16\x03\x01\x02\x00\x01\x00", 7});
     },
     [](hostile_peer& x) {
       x.plain({"\x01", 1});
     }},
    {"garbage instead of TLS",
     [](hostile_peer& x) { x.plain(noise(64 * 1024)); }, nothing},
  };
  if (whom == victim::runner_link)
    return result;
  auto stolen = [whom, &what](auto then) {
    return [whom, &what, then](hostile_peer& x) {
      if (greet(x, whom, what))
        then(x);
    };
  };
  result.push_back(
    {"silent after TLS", [](hostile_peer& x) { x.secure(nullptr); }, nothing});
  result.push_back({"one byte a second",
                    [](hostile_peer& x) { x.secure(nullptr) && x.send("M"); },
                    [](hostile_peer& x) { x.send("X"); }});
  result.push_back({"preamble without end",
                    [](hostile_peer& x) {
                      auto piece = std::string(16'384, 'M');
                      auto going = x.secure(nullptr);
                      for (auto i = 0; i < 1'024 && going; ++i)
                        going = x.send(piece);
                    },
                    nothing});
  result.push_back({"trusted: line without end",
                    [&what](hostile_peer& x) {
                      auto piece = std::string(16'384, 'X');
                      auto going
                        = x.secure(&what.trusted) && x.send("MX\r\n\r\nMX-");
                      for (auto i = 0; i < 1'024 && going; ++i)
                        going = x.send(piece);
                    },
                    nothing});
  result.push_back(
    {"trusted: length of 2 GiB", stolen([](hostile_peer& x) {
       std::string huge("\xff\xff\xff\x7f\x10", 5);
       x.send(text_of(halibut::deflate_message(
         {reinterpret_cast<const std::uint8_t*>(huge.data()), huge.size()})));
     }),
     nothing});
  result.push_back({"trusted: 256 MiB in 1.4 MB",
                    stolen([](hostile_peer& x) { x.send(bomb()); }), nothing});
  if (whom == victim::polling_port)
    return result;
  result.push_back({"trusted: 1,000 streams of 64 KiB",
                    stolen([](hostile_peer& x) {
                      constexpr std::int64_t size = 64 * 1024;
                      static const auto made = announce(1'000, size);
                      static const auto body = noise(size) + trailer(size);
                      auto going = x.send(made.message);
                      for (std::size_t i = 0; i < 999 && going; ++i)
                        going = x.send(header(made.ids[i], size) + body);
                    }),
                    nothing});
  result.push_back({"trusted: a stream of 1 TiB, 1 MiB of it",
                    stolen([](hostile_peer& x) {
                      constexpr auto size = std::int64_t{1} << 40;
                      static const auto made = announce(1, size);
                      x.send(made.message);
                      x.send(header(made.ids[0], size));
                      x.send(std::string((1 << 20) - 1, 'x'));
                    }),
                    nothing});
  return result;
}

void keep(std::vector<std::unique_ptr<hostile_peer>>& all,
          const std::vector<kind>& kinds, unsigned seconds) {
  for (unsigned second = 0; second < seconds; ++second) {
    for (std::size_t i = 0; i < all.size(); ++i)
      if (all[i]->opened())
        kinds[i % kinds.size()].then(*all[i]);
    std::this_thread::sleep_for(1s);
  }
}

// Scripts that know their key, and use it badly.
using runners = std::vector<std::unique_ptr<runner_link::test::raw_runner>>;

void attack_as_runners(const loot& what, unsigned count, runners& all) {
  for (unsigned i = 0; i < count; ++i) {
    auto x = std::make_unique<runner_link::test::raw_runner>(what.port);
    if (x->secure("hostile" + std::to_string(i), what.key)
        && x->send("hello 1 1\n")) {
      auto going = true;
      for (auto j = 0; j < 64 && going; ++j)
        going = x->send(std::string(64 * 1'024, 'x'));
    }
    all.push_back(std::move(x));
  }
}

} // namespace

std::vector<attack_result> attack(victim whom, const loot& what,
                                  unsigned connections, unsigned seconds) {
  // OpenSSL writes without MSG_NOSIGNAL.
  std::signal(SIGPIPE, SIG_IGN);
  auto kinds = kinds_for(whom, what);
  std::vector<attack_result> result;
  for (auto& x : kinds)
    result.push_back({x.name, 0, 0});
  runners scripts;
  if (whom == victim::runner_link) {
    attack_as_runners(what, connections / 4, scripts);
    connections -= connections / 4;
  }
  std::vector<std::unique_ptr<hostile_peer>> all;
  for (unsigned i = 0; i < connections; ++i)
    all.push_back(std::make_unique<hostile_peer>(what.port, 1 + i % addresses));
  for (unsigned i = 0; i < connections; ++i) {
    auto& x = *all[i];
    if (!x.opened())
      continue;
    ++result[i % kinds.size()].opened;
    kinds[i % kinds.size()].first(x);
  }
  keep(all, kinds, seconds);
  for (unsigned i = 0; i < connections; ++i)
    if (all[i]->opened() && all[i]->cut())
      ++result[i % kinds.size()].cut;
  if (!scripts.empty())
    result.push_back({"known script: line without end",
                      static_cast<unsigned>(scripts.size()), 0});
  return result;
}

} // namespace cuttle::bench
