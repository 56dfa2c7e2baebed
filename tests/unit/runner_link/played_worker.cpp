#include "tests/unit/runner_link/played_worker.hpp"

#include <stdexcept>

namespace cuttle::runner_link::test {

callbacks played_worker::tell(server& to) {
  callbacks result;
  result.on_open = [this, &to](session_id id, std::int64_t first) {
    std::lock_guard lock{mutex_};
    sessions_.push_back({id, first, {}, false, {}});
    // The rest of a line that was cut off comes again.
    reader_.restart(false);
    if (habits_.resumes)
      to.resume(id, std::max(reader_.last_number(), first - 1));
    changed_.notify_all();
  };
  result.on_data = [this, &to](session_id id, std::string_view bytes) {
    on_data(to, id, bytes);
  };
  result.on_close = [this](session_id id, const failure& reason) {
    std::lock_guard lock{mutex_};
    for (auto& x : sessions_)
      if (x.id == id && !x.closed) {
        x.closed = true;
        x.reason = reason;
      }
    changed_.notify_all();
  };
  return result;
}

void played_worker::on_data(server& to, session_id id, std::string_view bytes) {
  std::lock_guard lock{mutex_};
  if (sessions_.empty() || sessions_.back().id != id || sessions_.back().closed)
    throw std::logic_error("bytes of a session that is not there");
  // The whole of a large log would be a lot to remember.
  constexpr std::size_t enough = 1024 * 1024;
  if (sessions_.back().bytes.size() < enough)
    sessions_.back().bytes += bytes;
  reader_.feed(bytes);
  auto batch = reader_.take();
  for (auto& line : batch.lines)
    lines_.push_back(std::move(line));
  for (auto& remark : batch.remarks)
    remarks_.push_back(std::move(remark));
  marker_ = marker_ || batch.end_marker;
  if (habits_.receives)
    to.received(id, reader_.last_number());
  if (habits_.acknowledges)
    to.acknowledge(id, reader_.last_number());
  changed_.notify_all();
}

void played_worker::set(habits x) {
  std::lock_guard lock{mutex_};
  habits_ = x;
}

bool played_worker::wait(const std::function<bool()>& ready) {
  std::unique_lock lock{mutex_};
  return changed_.wait_for(lock, patience, ready);
}

played_worker::session_record played_worker::wait_session(std::size_t count) {
  session_record result;
  wait([&] {
    if (sessions_.size() < count)
      return false;
    result = sessions_.back();
    return true;
  });
  return result;
}

played_worker::session_record played_worker::wait_closed(std::size_t count) {
  session_record result;
  wait([&] {
    if (sessions_.size() < count || !sessions_[count - 1].closed)
      return false;
    result = sessions_[count - 1];
    return true;
  });
  return result;
}

std::string played_worker::wait_bytes(std::size_t size) {
  std::string result;
  wait([&] {
    if (sessions_.empty() || sessions_.back().bytes.size() < size)
      return false;
    result = sessions_.back().bytes;
    return true;
  });
  return result;
}

bool played_worker::wait_number(std::int64_t number) {
  return wait([&] { return reader_.last_number() >= number; });
}

bool played_worker::wait_marker() {
  return wait([&] { return marker_; });
}

test_server::test_server(halibut::io_thread& thread, server_options options) {
  options.bind = "127.0.0.1";
  auto made = make_server(thread, std::move(options), port);
  if (!made)
    throw std::runtime_error(made.error().text);
  server_ = std::move(*made);
}

} // namespace cuttle::runner_link::test
