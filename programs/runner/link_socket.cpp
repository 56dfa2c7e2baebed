#include "programs/runner/link_socket.hpp"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace cuttle::runner {

namespace {

int make_socket(int family) {
  auto result = ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  auto on = 1;
  if (result >= 0)
    ::setsockopt(result, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return result;
}

template <class Address>
int begin_to_connect(int socket, const Address& place) {
  return ::connect(socket, reinterpret_cast<const sockaddr*>(&place),
                   sizeof(place));
}

} // namespace

bool link_socket::dial(const runner_link::address& where) {
  close();
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  auto result = -1;
  if (::inet_pton(AF_INET, where.ip.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(where.port);
    descriptor_ = make_socket(AF_INET);
    if (descriptor_ >= 0)
      result = begin_to_connect(descriptor_, v4);
  } else if (::inet_pton(AF_INET6, where.ip.c_str(), &v6.sin6_addr) == 1) {
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(where.port);
    descriptor_ = make_socket(AF_INET6);
    if (descriptor_ >= 0)
      result = begin_to_connect(descriptor_, v6);
  }
  if (descriptor_ >= 0 && (result == 0 || errno == EINPROGRESS))
    return true;
  close();
  return false;
}

bool link_socket::connected() const {
  auto error = 0;
  socklen_t size = sizeof(error);
  return ::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &size) == 0
         && error == 0;
}

void link_socket::close() {
  if (descriptor_ >= 0)
    ::close(descriptor_);
  descriptor_ = -1;
}

std::optional<runner_link::address>
read_link_address(const std::string& directory) {
  auto path = directory + "/" + runner_link::address_file;
  // A pipe in its place must not make us wait.
  auto file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0)
    return std::nullopt;
  std::array<char, 256> text;
  ssize_t size = 0;
  do
    size = ::read(file, text.data(), text.size());
  while (size < 0 && errno == EINTR);
  ::close(file);
  if (size <= 0)
    return std::nullopt;
  return runner_link::parse_address(
    {text.data(), static_cast<std::size_t>(size)});
}

} // namespace cuttle::runner
