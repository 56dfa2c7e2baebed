#include "tests/unit/runner/linked_run.hpp"

#include <arpa/inet.h>
#include <array>
#include <fstream>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <numeric>
#include <sstream>
#include <sys/socket.h>
#include <unistd.h>

#include "infra/runner_link/wire.hpp"
#include "tests/folders.hpp"

namespace cuttle::runner::test {

using runner_link::address_file;
using runner_link::format_address;
using runner_link::lines_file;

namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in{path, std::ios::binary};
  std::stringstream result;
  result << in.rdbuf();
  return result.str();
}

std::vector<std::string> runner_words(const workspace& where,
                                      std::string_view body) {
  return {runner_program(), where.path().string(),
          where.write("script.sh", body)};
}

/// Processor time of a process so far, in ticks.
std::string used_time(pid_t pid) {
  auto text = read_file("/proc/" + std::to_string(pid) + "/stat");
  std::istringstream in{text.substr(text.rfind(')') + 2)};
  std::string word;
  for (auto i = 0; i < 11; ++i)
    in >> word;
  std::string user;
  std::string system;
  in >> user >> system;
  return user + " " + system;
}

} // namespace

link_place::link_place(played_worker::habits habits, what_answers who)
  : habits_(habits), worker_(std::make_unique<played_worker>(key())) {
  worker_->set(habits_);
  if (who == a_worker)
    start_server();
  else if (who == nobody)
    write(address_file, format_address({"127.0.0.1", silent_.port()}));
}

void link_place::stop_server() {
  server_.reset();
}

void link_place::start_server() {
  auto next = std::make_unique<runner_link::test::test_server>(thread_);
  next->get().expect({path().filename().string()}, key(),
                     worker_->tell(next->get()));
  // Whole at once, as the worker writes it.
  auto fresh = write("link.new", format_address({"127.0.0.1", next->port}));
  std::filesystem::rename(fresh, path() / address_file);
  server_ = std::move(next);
}

void link_place::forget_worker() {
  stop_server();
  worker_ = std::make_unique<played_worker>(key());
  worker_->set(habits_);
  start_server();
}

std::filesystem::path link_place::lines_path() const {
  return path() / lines_file;
}

std::vector<std::int64_t> link_place::left_lines() const {
  std::vector<std::int64_t> result;
  std::istringstream in{read_file(lines_path())};
  podlog::line_parser parser{key()};
  for (std::string line; std::getline(in, line);) {
    EXPECT_FALSE(in.eof()) << "a line that does not end";
    auto parsed = parser.parse(line);
    auto* good = std::get_if<podlog::parsed_line>(&parsed);
    if (good == nullptr)
      ADD_FAILURE() << "a damaged line: " << line.substr(0, 100);
    else
      result.push_back(good->line.number);
  }
  return result;
}

int link_place::count(const std::string& name) const {
  return std::stoi("0" + read_file(path() / name));
}

std::vector<std::int64_t> link_place::numbers(std::int64_t first,
                                              std::int64_t last) {
  std::vector<std::int64_t> result(
    static_cast<std::size_t>(std::max<std::int64_t>(last - first + 1, 0)));
  std::iota(result.begin(), result.end(), first);
  return result;
}

linked_run::linked_run(std::string_view body, played_worker::habits habits,
                       std::vector<std::string> environment, what_answers who)
  : link_place(habits, who),
    process(*this, runner_words(*this, body), std::move(environment)) {}

void linked_run::expect_all_lines() {
  auto& lines = worker().lines();
  EXPECT_TRUE(worker().remarks().empty());
  for (const auto& x : worker().remarks())
    ADD_FAILURE() << x.text.substr(0, 200);
  ASSERT_EQ(lines.size(), frames().size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    auto& here = lines[i];
    auto& there = frames()[i].line;
    ASSERT_EQ(here.number, there.number);
    ASSERT_EQ(here.line.source, there.line.source);
    ASSERT_TRUE(here.line.text == there.line.text) << "line " << here.number;
  }
}

void linked_run::expect_still() const {
  using namespace std::chrono_literals;
  auto still = 0;
  for (auto last = used_time(pid()); still < 10;) {
    std::this_thread::sleep_for(20ms);
    auto now = used_time(pid());
    still = now == last ? still + 1 : 0;
    last = now;
  }
}

bound_port::bound_port() {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(place);
  auto* address = reinterpret_cast<sockaddr*>(&place);
  if (::bind(socket_, address, size) != 0
      || ::getsockname(socket_, address, &size) != 0)
    throw std::runtime_error("no port");
  port_ = ntohs(place.sin_port);
}

bound_port::~bound_port() {
  ::close(socket_);
}

rude_worker::rude_worker(const crypto::log_key& key, std::string text)
  : key_(key), text_(std::move(text)),
    context_(runner_link::make_worker_context(find_session)) {
  if (::listen(place_.socket(), 16) != 0)
    throw std::runtime_error("not listening");
  thread_ = std::thread{[this] {
    for (;;) {
      auto peer = ::accept4(place_.socket(), nullptr, nullptr, SOCK_CLOEXEC);
      if (peer < 0)
        return;
      serve(peer);
      ::close(peer);
    }
  }};
}

rude_worker::~rude_worker() {
  ::shutdown(place_.socket(), SHUT_RDWR);
  thread_.join();
}

int rude_worker::find_session(SSL* connection, const unsigned char*,
                              std::size_t, SSL_SESSION** result) {
  auto* self
    = static_cast<rude_worker*>(runner_link::tls_stream::owner_of(connection));
  *result = runner_link::make_psk_session(connection, self->key_.value);
  return 1;
}

// The socket blocks, so each step goes on until it is done or the peer is gone.
void rude_worker::serve(int peer) {
  using runner_link::progress;
  runner_link::tls_stream tls{context_.get(), peer, true, this};
  std::array<char, 4096> room;
  std::size_t size = 0;
  if (tls.handshake() != progress::done
      || tls.read(room, size) != progress::done)
    return;
  tls.write(text_, size);
  while (tls.read(room, size) == progress::done)
    answered_ = true;
  ++visits_;
}

nonsense_worker::nonsense_worker() {
  if (::listen(place_.socket(), 16) != 0)
    throw std::runtime_error("not listening");
  thread_ = std::thread{[this] {
    for (;;) {
      auto peer = ::accept4(place_.socket(), nullptr, nullptr, SOCK_CLOEXEC);
      if (peer < 0)
        return;
      constexpr std::string_view text = "HTTP/1.1 400 Bad Request\r\n\r\n";
      ::send(peer, text.data(), text.size(), MSG_NOSIGNAL);
      ::close(peer);
      ++visits_;
    }
  }};
}

nonsense_worker::~nonsense_worker() {
  ::shutdown(place_.socket(), SHUT_RDWR);
  thread_.join();
}

} // namespace cuttle::runner::test
