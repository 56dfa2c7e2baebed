#include "benchmarks/wire/bare.hpp"

#include <arpa/inet.h>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <future>
#include <memory>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

#include "infra/halibut/tls.hpp"
#include "infra/workspace/descriptor.hpp"
#include "tests/unit/sim_octopus/scripted_worker.hpp"

namespace cuttle::bench {

namespace {

using clock = std::chrono::steady_clock;
using workspace::descriptor;

constexpr std::size_t piece_bytes = 256 * 1'024;
constexpr std::size_t record_bytes = 16 * 1'024;

void must(bool ok, const char* what) {
  if (ok)
    return;
  std::fprintf(stderr, "the bare stream failed: %s\n", what);
  std::exit(1);
}

int unnamed_file(const std::string& folder) {
  return ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

double thread_cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec)
         + static_cast<double>(now.tv_nsec) / 1e9;
}

struct connection_deleter {
  void operator()(SSL* x) const {
    SSL_free(x);
  }
};

using connection = std::unique_ptr<SSL, connection_deleter>;

connection over(const outcome<halibut::tls_context>& context, int socket,
                halibut::tls_trust& trust) {
  must(context.has_value(), "no TLS context");
  connection result{SSL_new(context->get())};
  must(result && SSL_set_fd(result.get(), socket) == 1, "no TLS");
  trust.anybody = true;
  halibut::set_trust(result.get(), trust);
  SSL_clear_mode(result.get(), SSL_MODE_RELEASE_BUFFERS);
  return result;
}

struct side {
  double cpu_seconds = 0;
  double mib = 0;
};

side send_all(int socket, int file, std::size_t mib, clock::time_point until) {
  halibut::tls_trust trust;
  auto context = halibut::make_initiator_context(sim::worker_identity());
  auto link = over(context, socket, trust);
  must(SSL_connect(link.get()) == 1, "no handshake");
  std::string piece(piece_bytes, '\0');
  side result;
  auto start = thread_cpu_seconds();
  while (clock::now() < until) {
    for (std::size_t offset = 0; offset < mib << 20; offset += piece_bytes) {
      must(::pread(file, piece.data(), piece.size(), static_cast<off_t>(offset))
             == static_cast<ssize_t>(piece.size()),
           "the file is not read");
      must(SSL_write(link.get(), piece.data(), static_cast<int>(piece.size()))
             == static_cast<int>(piece.size()),
           "the stream is not taken");
    }
    result.mib += static_cast<double>(mib);
  }
  result.cpu_seconds = thread_cpu_seconds() - start;
  SSL_shutdown(link.get());
  ::shutdown(socket, SHUT_WR);
  return result;
}

double receive_all(int socket, int file, std::size_t mib) {
  halibut::tls_trust trust;
  auto context = halibut::make_acceptor_context(sim::server_identity());
  auto link = over(context, socket, trust);
  must(SSL_accept(link.get()) == 1, "no handshake");
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> hash{EVP_MD_CTX_new(),
                                                               EVP_MD_CTX_free};
  must(EVP_DigestInit_ex(hash.get(), EVP_sha1(), nullptr) == 1, "no SHA-1");
  std::string piece(piece_bytes, '\0');
  std::size_t filled = 0;
  std::size_t offset = 0;
  auto start = thread_cpu_seconds();
  for (;;) {
    auto got = SSL_read(link.get(), piece.data() + filled, int{record_bytes});
    if (got <= 0)
      break;
    filled += static_cast<std::size_t>(got);
    if (filled + record_bytes <= piece.size())
      continue;
    if (file >= 0) {
      must(::pwrite(file, piece.data(), filled, static_cast<off_t>(offset))
             == static_cast<ssize_t>(filled),
           "the file is not written");
      EVP_DigestUpdate(hash.get(), piece.data(), filled);
      offset = (offset + filled) % (mib << 20);
    }
    filled = 0;
  }
  return thread_cpu_seconds() - start;
}

} // namespace

bare_figures run_bare(std::size_t mib, bool store,
                      std::chrono::milliseconds measure) {
  const std::string folder = std::filesystem::temp_directory_path();
  descriptor source{unnamed_file(folder)};
  std::string noise(std::size_t{1} << 20, '\0');
  std::uint32_t state = 1;
  for (auto& c : noise)
    c = static_cast<char>((state = state * 1'664'525 + 1'013'904'223) >> 24);
  for (std::size_t i = 0; i < mib; ++i)
    must(::write(source.get(), noise.data(), noise.size())
           == static_cast<ssize_t>(noise.size()),
         "no room for the source");
  descriptor target{unnamed_file(folder)};
  must(target.get() >= 0, "no file for the target");
  descriptor listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  must(::bind(listener.get(), plain, size) == 0
         && ::listen(listener.get(), 1) == 0
         && ::getsockname(listener.get(), plain, &size) == 0,
       "no listener");
  descriptor dialled{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  must(::connect(dialled.get(), plain, size) == 0, "no connection");
  descriptor accepted{
    ::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)};
  int on = 1;
  ::setsockopt(dialled.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  auto start = clock::now();
  auto sending = std::async(std::launch::async, send_all, dialled.get(),
                            source.get(), mib, start + measure);
  auto received = receive_all(accepted.get(), store ? target.get() : -1, mib);
  auto sent = sending.get();
  std::chrono::duration<double> took = clock::now() - start;
  return {sent.mib / took.count(), sent.cpu_seconds / sent.mib * 1e3,
          received / sent.mib * 1e3};
}

} // namespace cuttle::bench
