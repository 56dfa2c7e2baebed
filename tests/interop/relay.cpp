#include "tests/interop/relay.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <netinet/in.h>
#include <optional>
#include <poll.h>
#include <stdexcept>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

namespace cuttle::interop {

namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  result.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return result;
}

int make_socket() {
  auto result = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (result < 0)
    throw std::runtime_error{"no socket"};
  return result;
}

// As a broken network does it: no farewell, what is on its way is lost.
void reset(int socket) {
  linger now{1, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  ::close(socket);
}

bool send_all(int socket, const char* data, std::size_t size) {
  while (size > 0) {
    auto sent = ::send(socket, data, size, MSG_NOSIGNAL);
    if (sent <= 0)
      return false;
    data += sent;
    size -= static_cast<std::size_t>(sent);
  }
  return true;
}

} // namespace

std::vector<cut_point> cuts_at_every_phase() {
  // TLS takes some 2 KB each way, identities and control lines some 100 bytes,
  // requests and responses with streams the rest.
  constexpr std::array<std::uint64_t, 7> early{0,     1,     300,  1'200,
                                               2'000, 2'300, 2'600};
  constexpr std::array<std::uint64_t, 14> late{
    200'000, 100'000, 40'000, 20'000, 12'000, 8'000, 6'000,
    5'000,   4'500,   4'000,  3'600,  3'300,  3'100, 2'900};
  std::vector<cut_point> result;
  for (std::size_t i = 0; i < late.size(); ++i)
    for (auto direction : {way::up, way::down}) {
      result.push_back({direction, late[i]});
      if (i < early.size())
        result.push_back({direction, early[i]});
    }
  return result;
}

struct relay::connection {
  int near = -1;
  int far = -1;
  std::optional<cut_point> cut;
  // The cut was made, not an end that a peer wanted.
  bool broken = false;
  std::array<std::uint64_t, 2> carried{};
};

relay::relay() : listener_(make_socket()), wake_(::eventfd(0, EFD_CLOEXEC)) {
  auto address = loopback(0);
  socklen_t size = sizeof(address);
  auto generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, generic, size) != 0 || ::listen(listener_, 128) != 0
      || ::getsockname(listener_, generic, &size) != 0)
    throw std::runtime_error{"the relay cannot listen"};
  port_ = ntohs(address.sin_port);
  thread_ = std::thread{[this] { run(); }};
}

relay::~relay() {
  ::eventfd_write(wake_, 1);
  thread_.join();
  ::close(listener_);
  ::close(wake_);
}

void relay::cut_at(std::vector<cut_point> plan) {
  std::lock_guard lock{mutex_};
  plan_ = std::move(plan);
}

void relay::accept(std::vector<connection>& all) {
  connection x;
  x.near = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (x.near < 0)
    return;
  x.far = make_socket();
  auto address = loopback(target_);
  if (target_ == 0
      || ::connect(x.far, reinterpret_cast<sockaddr*>(&address),
                   sizeof(address))
           != 0) {
    reset(x.near);
    ::close(x.far);
    return;
  }
  {
    std::lock_guard lock{mutex_};
    if (!plan_.empty()) {
      x.cut = plan_.front();
      plan_.erase(plan_.begin());
    }
  }
  all.push_back(x);
}

bool relay::pump(connection& x, way direction) {
  std::array<char, 16 * 1024> buffer;
  auto up = direction == way::up;
  auto got = ::recv(up ? x.near : x.far, buffer.data(), buffer.size(), 0);
  if (got <= 0)
    return false;
  auto size = static_cast<std::size_t>(got);
  auto& carried = x.carried[up ? 0 : 1];
  auto cut
    = x.cut && x.cut->direction == direction && carried + size > x.cut->bytes;
  if (cut)
    size = x.cut->bytes - carried;
  carried += size;
  (up ? up_ : down_) += size;
  auto sent = send_all(up ? x.far : x.near, buffer.data(), size);
  x.broken = cut;
  cuts_ += cut ? 1 : 0;
  return sent && !cut;
}

// The point of a connection that ended before it is another one's.
void relay::give_back(const connection& x) {
  std::lock_guard lock{mutex_};
  if (x.cut && !x.broken)
    plan_.insert(plan_.begin(), *x.cut);
}

void relay::run() {
  std::vector<connection> all;
  for (;;) {
    std::vector<pollfd> waits{{wake_, POLLIN, 0}, {listener_, POLLIN, 0}};
    for (auto& x : all) {
      waits.push_back({x.near, POLLIN, 0});
      waits.push_back({x.far, POLLIN, 0});
    }
    if (::poll(waits.data(), waits.size(), -1) < 0)
      continue;
    if (waits[0].revents)
      break;
    std::vector<connection> stay;
    for (std::size_t i = 0; i < all.size(); ++i) {
      auto& x = all[i];
      auto alive = (!waits[2 + 2 * i].revents || pump(x, way::up))
                   && (!waits[3 + 2 * i].revents || pump(x, way::down));
      if (alive) {
        stay.push_back(x);
        continue;
      }
      auto end = x.broken ? reset : [](int socket) { ::close(socket); };
      give_back(x);
      end(x.near);
      end(x.far);
    }
    all = std::move(stay);
    if (waits[1].revents)
      accept(all);
  }
  for (auto& x : all) {
    reset(x.near);
    reset(x.far);
  }
}

} // namespace cuttle::interop
