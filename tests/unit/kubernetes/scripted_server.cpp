#include "tests/unit/kubernetes/scripted_server.hpp"

#include <arpa/inet.h>
#include <csignal>
#include <cstring>
#include <list>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace cuttle::kubernetes::test {

namespace {

using key_ptr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using cert_ptr = std::unique_ptr<X509, decltype(&X509_free)>;
using context_ptr = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
using ssl_ptr = std::unique_ptr<SSL, decltype(&SSL_free)>;

cert_ptr make_certificate(EVP_PKEY* key) {
  cert_ptr cert{X509_new(), &X509_free};
  X509_set_version(cert.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(cert.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(cert.get()), 86'400);
  X509_set_pubkey(cert.get(), key);
  auto name = X509_get_subject_name(cert.get());
  auto text
    = [](const char* s) { return reinterpret_cast<const unsigned char*>(s); };
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text("test"), -1, -1, 0);
  X509_set_issuer_name(cert.get(), name);
  auto add = [&](int nid, const char* value) {
    auto extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
    X509_add_ext(cert.get(), extension, -1);
    X509_EXTENSION_free(extension);
  };
  add(NID_subject_alt_name, "IP:127.0.0.1");
  add(NID_basic_constraints, "critical,CA:TRUE");
  X509_sign(cert.get(), key, EVP_sha256());
  return cert;
}

std::string pem_of(X509* cert) {
  auto memory = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(memory, cert);
  char* data = nullptr;
  auto size = BIO_get_mem_data(memory, &data);
  std::string result(data, static_cast<size_t>(size));
  BIO_free(memory);
  return result;
}

int listen_on(std::uint16_t port) {
  auto result = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;
  setsockopt(result, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(result, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0
      || listen(result, 256) != 0)
    throw std::runtime_error("cannot listen");
  return result;
}

std::uint16_t port_of(int listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

struct connection final : exchange {
  connection(int fd, SSL_CTX* context) : socket(fd) {
    ssl.reset(SSL_new(context));
    SSL_set_fd(ssl.get(), fd);
    int small = 128 * 1024;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    timeval wait{0, 300'000};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  }

  ~connection() override {
    ssl.reset();
    ::close(socket);
  }

  bool write(std::string_view bytes) {
    size_t done = 0;
    while (!bytes.empty() && !dead) {
      auto n = SSL_write_ex(ssl.get(), bytes.data(), bytes.size(), &done);
      if (n == 1) {
        bytes.remove_prefix(done);
      } else if (SSL_get_error(ssl.get(), n) == SSL_ERROR_WANT_WRITE) {
        if (on_stall)
          on_stall();
      } else {
        dead = true;
      }
    }
    return !dead;
  }

  bool read_more() {
    char data[16 * 1024];
    size_t done = 0;
    if (SSL_read_ex(ssl.get(), data, sizeof data, &done) != 1) {
      dead = true;
      return false;
    }
    input.append(data, done);
    return true;
  }

  bool read(seen_request& request) {
    size_t end = 0;
    while ((end = input.find("\r\n\r\n")) == std::string::npos)
      if (!read_more())
        return false;
    auto head = input.substr(0, end);
    input.erase(0, end + 4);
    auto line_end = head.find("\r\n");
    auto line = head.substr(0, line_end);
    auto blank = line.find(' ');
    request.method = line.substr(0, blank);
    request.target = line.substr(blank + 1, line.rfind(' ') - blank - 1);
    while (line_end != std::string::npos) {
      auto begin = line_end + 2;
      line_end = head.find("\r\n", begin);
      line = head.substr(begin, line_end - begin);
      auto colon = line.find(':');
      auto name = line.substr(0, colon);
      for (auto& c : name)
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      request.headers[name] = line.substr(colon + 2);
    }
    size_t length = 0;
    if (auto i = request.headers.find("content-length");
        i != request.headers.end())
      length = std::stoul(i->second);
    while (input.size() < length)
      if (!read_more())
        return false;
    request.body = input.substr(0, length);
    input.erase(0, length);
    return true;
  }

  void respond(int status, std::string_view body,
               std::string_view extra_headers) override {
    write("HTTP/1.1 " + std::to_string(status)
          + " X\r\nContent-Type: application/json\r\nContent-Length: "
          + std::to_string(body.size()) + "\r\n" + std::string(extra_headers)
          + "\r\n" + std::string(body));
  }

  bool begin(int status) override {
    return write("HTTP/1.1 " + std::to_string(status)
                 + " X\r\nTransfer-Encoding: chunked\r\n\r\n");
  }

  bool piece(std::string_view bytes) override {
    char size[32];
    std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
    return write(size) && write(bytes) && write("\r\n");
  }

  bool finish() override {
    return write("0\r\n\r\n");
  }

  void cut() override {
    dead = true;
    shutdown(socket, SHUT_RDWR);
  }

  void wait_for_close() override {
    while (!dead)
      read_more();
  }

  int socket;
  ssl_ptr ssl{nullptr, &SSL_free};
  std::string input;
  bool dead = false;
};

} // namespace

struct scripted_server::impl {
  impl(handler f, std::uint16_t wanted)
    : answer(std::move(f)), key(EVP_EC_gen("P-256"), &EVP_PKEY_free),
      cert(make_certificate(key.get())),
      context(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free),
      listener(listen_on(wanted)), port(port_of(listener)) {
    std::signal(SIGPIPE, SIG_IGN);
    SSL_CTX_use_certificate(context.get(), cert.get());
    SSL_CTX_use_PrivateKey(context.get(), key.get());
    acceptor = std::thread{[this] { accept_all(); }};
  }

  ~impl() {
    stopping = true;
    shutdown(listener, SHUT_RDWR);
    acceptor.join();
    ::close(listener);
    {
      std::lock_guard guard{mutex};
      for (auto fd : open)
        shutdown(fd, SHUT_RDWR);
    }
    for (auto& thread : threads)
      thread.join();
  }

  void accept_all() {
    for (int number = 1;; ++number) {
      auto fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0)
        return;
      std::lock_guard guard{mutex};
      open.push_back(fd);
      threads.emplace_back([this, fd, number] { serve(fd, number); });
    }
  }

  void serve(int fd, int number) {
    connection it{fd, context.get()};
    if (SSL_accept(it.ssl.get()) == 1) {
      seen_request request;
      while (!it.dead && it.read(request)) {
        request.connection = number;
        {
          std::lock_guard guard{mutex};
          requests.push_back(request);
        }
        answer(request, it);
        it.on_stall = {};
        request = {};
      }
    }
    std::lock_guard guard{mutex};
    open.remove(fd);
  }

  handler answer;
  key_ptr key;
  cert_ptr cert;
  context_ptr context;
  int listener;
  std::uint16_t port;
  std::atomic<bool> stopping{false};
  std::mutex mutex;
  std::list<int> open;
  std::vector<seen_request> requests;
  std::list<std::thread> threads;
  std::thread acceptor;
};

scripted_server::scripted_server(handler f, std::uint16_t port)
  : impl_(std::make_unique<impl>(std::move(f), port)) {}

scripted_server::~scripted_server() = default;

std::uint16_t scripted_server::port() const {
  return impl_->port;
}

bool scripted_server::stopping() const {
  return impl_->stopping;
}

access scripted_server::where() const {
  access result;
  result.server = "https://127.0.0.1:" + std::to_string(port());
  result.namespace_name = "ns";
  result.ca_pem = pem_of(impl_->cert.get());
  result.token = "secret-token";
  return result;
}

int scripted_server::count(std::string_view beginning) {
  std::lock_guard guard{impl_->mutex};
  int result = 0;
  for (auto& request : impl_->requests)
    if ((request.method + ' ' + request.target).starts_with(beginning))
      ++result;
  return result;
}

std::vector<seen_request> scripted_server::requests() {
  std::lock_guard guard{impl_->mutex};
  return impl_->requests;
}

std::uint16_t free_port() {
  auto listener = listen_on(0);
  auto result = port_of(listener);
  ::close(listener);
  return result;
}

} // namespace cuttle::kubernetes::test
