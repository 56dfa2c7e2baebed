#include "infra/sim/cluster_streams.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/chunk_encode.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <cerrno>
#include <sys/socket.h>

#include "infra/sim/cluster_text.hpp"

namespace asio = boost::asio;
namespace http = boost::beast::http;

namespace cuttle::sim {

namespace {

using clock_type = std::chrono::steady_clock;

constexpr std::size_t max_chunk = 256 * 1024;

/// How often a stream that has nothing to say looks whether its client is
/// still there.
constexpr std::chrono::seconds look_interval{1};

/// How long a watch in disorder waits for more to mix up.
constexpr std::chrono::milliseconds gather_interval{200};

/// Whether the client has closed its side, or sent something in the middle of a
/// stream, which can only be TLS's goodbye.
bool client_left(tls_stream& stream) {
  char byte = 0;
  auto n = recv(stream.lowest_layer().native_handle(), &byte, 1,
                MSG_PEEK | MSG_DONTWAIT);
  return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

std::string event_line(std::string_view type, std::string_view object) {
  std::string result = "{\"type\":\"";
  result.append(type).append("\",\"object\":").append(object).append("}\n");
  return result;
}

std::string bookmark_line(const std::string& resource, std::uint64_t version) {
  nlohmann::json object{{"kind", kind_of(resource)},
                        {"apiVersion", "v1"},
                        {"metadata",
                         {{"resourceVersion", std::to_string(version)},
                          {"creationTimestamp", nullptr}}}};
  return event_line("BOOKMARK", to_text(object));
}

asio::awaitable<bool> begin_stream(tls_stream& stream, const char* type) {
  http::response<http::empty_body> response{http::status::ok, 11};
  response.set(http::field::content_type, type);
  response.set(http::field::cache_control, "no-cache, private");
  response.chunked(true);
  http::response_serializer<http::empty_body> serializer{response};
  auto [error, size]
    = co_await http::async_write_header(stream, serializer, as_values);
  co_return !error;
}

asio::awaitable<bool> send_chunk(tls_stream& stream, const std::string& text) {
  auto chunk = http::make_chunk(asio::buffer(text));
  auto [error, size] = co_await asio::async_write(stream, chunk, as_values);
  co_return !error;
}

asio::awaitable<bool> end_stream(tls_stream& stream) {
  auto chunk = http::make_chunk_last();
  auto [error, size] = co_await asio::async_write(stream, chunk, as_values);
  co_return !error;
}

} // namespace

void wake_list::raise(const std::string& key) {
  bool first = false;
  {
    std::lock_guard lock{mutex_};
    first = raised_.empty();
    raised_.insert(key);
  }
  if (first)
    asio::post(*io_, [this] { wake_raised(); });
}

void wake_list::wake_raised() {
  std::set<std::string> keys;
  {
    std::lock_guard lock{mutex_};
    keys.swap(raised_);
  }
  for (const auto& key : keys) {
    auto [from, to] = sleepers_.equal_range(key);
    for (; from != to; ++from)
      from->second->cancel();
  }
}

void wake_list::wake_all() {
  for (auto& [key, timer] : sleepers_)
    timer->cancel();
}

wake_list::sleeper::sleeper(wake_list& owner, const std::string& key)
  : owner_(owner), timer_(*owner.io_),
    at_(owner.sleepers_.emplace(key, &timer_)) {}

wake_list::sleeper::~sleeper() {
  owner_.sleepers_.erase(at_);
}

asio::awaitable<void>
wake_list::sleeper::sleep(std::chrono::steady_clock::time_point until) {
  timer_.expires_at(until);
  auto [ignored] = co_await timer_.async_wait(as_values);
  (void)ignored;
}

asio::awaitable<bool> send_watch(tls_stream& stream, watch_answer& watch,
                                 const cluster_store& store, wake_list& wakes,
                                 const cluster_moods& moods,
                                 std::chrono::milliseconds bookmark_interval) {
  const auto cut = moods.cut_watches.load();
  const auto dead = moods.dead_watches.load();
  if (!co_await begin_stream(stream, "application/json"))
    co_return false;
  std::string text;
  for (const auto& object : watch.first)
    text += event_line("ADDED", object->text);
  watch.first.clear();
  if (!text.empty() && !co_await send_chunk(stream, text))
    co_return false;
  wake_list::sleeper bed{wakes, wake_list::watches};
  auto end = clock_type::now() + watch.timeout;
  auto bookmark = clock_type::now() + bookmark_interval;
  for (;;) {
    if (moods.cut_watches != cut)
      co_return false;
    auto silent
      = [&] { return moods.silent_watches || moods.dead_watches != dead; };
    if (silent() || moods.disorder) {
      co_await bed.sleep(clock_type::now() + gather_interval);
      if (client_left(stream))
        co_return false;
      if (silent())
        continue;
    }
    text.clear();
    auto news = store.changes(watch.resource, watch.which, watch.version);
    if (!news) {
      text = event_line("ERROR", to_text(status_object(news.error())));
      if (!co_await send_chunk(stream, text))
        co_return false;
      break;
    }
    watch.version = news->version;
    auto count = news->events.size();
    if (moods.disorder)
      std::stable_sort(news->events.begin(), news->events.end(),
                       [](const auto& x, const auto& y) {
                         return x.object->name > y.object->name;
                       });
    for (const auto& event : news->events) {
      text += event_line(event.type, event.object->text);
      if (text.size() >= max_chunk) {
        if (!co_await send_chunk(stream, text))
          co_return false;
        text.clear();
      }
    }
    auto now = clock_type::now();
    auto over = now >= end;
    if (watch.bookmarks && !moods.no_bookmarks && (over || now >= bookmark)) {
      text += bookmark_line(watch.resource, watch.version);
      bookmark = now + bookmark_interval;
    }
    if (!text.empty() && !co_await send_chunk(stream, text))
      co_return false;
    if (over)
      break;
    if (count != 0)
      continue;
    auto wake_at = std::min(std::min(end, bookmark), now + look_interval);
    co_await bed.sleep(wake_at);
    if (client_left(stream))
      co_return false;
  }
  co_return co_await end_stream(stream);
}

asio::awaitable<bool> send_log(tls_stream& stream, log_answer& log,
                               wake_list& wakes, const cluster_moods& moods) {
  const auto cut = moods.cut_logs.load();
  if (!co_await begin_stream(stream, "text/plain"))
    co_return false;
  if (!log.log)
    co_return co_await end_stream(stream);
  log_reader reader{log.log, log.options};
  wake_list::sleeper bed{wakes, log.uid};
  std::string text;
  for (;;) {
    if (moods.cut_logs != cut)
      co_return false;
    text.clear();
    auto state = reader.read(text);
    if (!text.empty() && !co_await send_chunk(stream, text))
      co_return false;
    if (state == log_reader::state::ended
        || (state == log_reader::state::idle && !log.follow))
      break;
    if (state == log_reader::state::more) {
      // Others get a turn, also while nothing of a long log is wanted.
      if (text.empty())
        co_await asio::post(stream.get_executor(), asio::use_awaitable);
      continue;
    }
    co_await bed.sleep(clock_type::now() + look_interval);
    if (client_left(stream))
      co_return false;
  }
  co_return co_await end_stream(stream);
}

} // namespace cuttle::sim
