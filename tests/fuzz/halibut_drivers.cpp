// The drivers themselves, over TLS on loopback, in all four roles: what a
// trusted peer sends after the handshake, in pieces. Whatever comes, each side
// ends that one connection, and each call ends once.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

#include "infra/disk/disk_pool.hpp"
#include "infra/halibut/io_thread.hpp"
#include "infra/halibut/listening_client.hpp"
#include "infra/halibut/listening_service.hpp"
#include "infra/halibut/polling_client.hpp"
#include "infra/halibut/polling_service.hpp"
#include "infra/telemetry/log.hpp"
#include "tests/unit/halibut/raw_peer.hpp"

using namespace cuttle;
using namespace cuttle::halibut;
using namespace std::chrono_literals;
using halibut::test::raw_listener;
using halibut::test::raw_peer;

namespace {

constexpr auto subscription = "poll://fuzz/";

void require(bool x) {
  if (!x)
    std::abort();
}

halibut::limits small_limits() {
  halibut::limits result;
  result.message_bytes = 1024 * 1024;
  result.all_messages_bytes = 4 * 1024 * 1024;
  result.stream_bytes = 1024 * 1024;
  result.queue_wait = 1ms;
  result.queue_timeout = 1s;
  return result;
}

outgoing_request some_call() {
  outgoing_request result;
  result.service = "IFuzz";
  result.method = "Echo";
  result.params = {5, 0, 0, 0, 0};
  return result;
}

/// Answers what it is asked, with an error, so that its size is bounded.
service_callbacks answering_callbacks(std::function<void()> on_end = {}) {
  service_callbacks result;
  result.on_request = [](rpc_request, reply_function reply) {
    rpc_response response;
    response.error = server_error{"no", "no", {}};
    reply(std::move(response));
  };
  result.on_link = [on_end](const link_event& x) {
    if (x.what == link_event::kind::disconnected && on_end)
      on_end();
  };
  return result;
}

/// With a key on a curve: a handshake for each input must be cheap.
crypto::identity quick_identity() {
  auto key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
  auto certificate = X509_new();
  X509_set_version(certificate, 2);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -86'400);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 86'400);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, EVP_sha256());
  auto out = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(out, certificate);
  PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  auto size = BIO_get_mem_data(out, &text);
  auto result
    = crypto::identity::from_pem({text, static_cast<std::size_t>(size)});
  BIO_free(out);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return result.value();
}

/// Everything that is the same for all inputs.
struct stage {
  stage() {
    telemetry::start_logging(settings::log_level::error);
    std::filesystem::create_directories(spool);
    listening_options listening;
    listening.bind = "127.0.0.1";
    listening.port = 0;
    listening.trusted = {self.thumbprint()};
    listening.spool = spool;
    listening.limits = small_limits();
    service = std::make_unique<listening_service>(thread, disk, self, listening,
                                                  answering_callbacks());
    service_port = service->start().value();
    polling_client::options polling;
    polling.trusted = {self.thumbprint()};
    polling.spool = spool;
    polling.limits = small_limits();
    polled = std::make_unique<polling_client>(thread, disk, self, polling);
    polled_port = polled->start().value();
    listening_client::options dialling;
    dialling.spool = spool;
    dialling.limits = small_limits();
    dialling.attempts = 1;
    dialler = std::make_unique<listening_client>(thread, disk, self, dialling);
    worker_endpoint where;
    where.host = "127.0.0.1";
    where.port = listener.port();
    where.thumbprints = {self.thumbprint()};
    uri = dialler->add(where);
  }

  crypto::identity self = quick_identity();
  std::filesystem::path spool
    = std::filesystem::temp_directory_path()
      / ("halibut-fuzz-" + std::to_string(::getpid()));
  disk::disk_pool disk{1};
  io_thread thread;
  raw_listener listener;
  std::unique_ptr<listening_service> service;
  std::uint16_t service_port = 0;
  std::unique_ptr<polling_client> polled;
  std::uint16_t polled_port = 0;
  std::unique_ptr<listening_client> dialler;
  std::string uri;
};

/// Sends in at most 64 pieces, ends our side, and reads to the peer's end,
/// which must come.
void play(raw_peer& peer, std::string_view bytes, std::size_t step) {
  step = std::max(step, bytes.size() / 64 + 1);
  for (; !bytes.empty(); bytes.remove_prefix(std::min(step, bytes.size())))
    peer.send(std::string{bytes.substr(0, step)});
  ::shutdown(SSL_get_fd(peer.tls()), SHUT_WR);
  peer.read_all();
}

/// The function that waits for the end of one call.
std::function<void()> expect_end(std::future<void> ended) {
  auto shared = std::make_shared<std::future<void>>(std::move(ended));
  return
    [shared] { require(shared->wait_for(20s) == std::future_status::ready); };
}

result_function ends(const std::shared_ptr<std::promise<void>>& promise) {
  // A second end throws, and that is logged; so it is counted here.
  auto count = std::make_shared<std::atomic<int>>(0);
  return [promise, count](call_result) {
    require(++*count == 1);
    promise->set_value();
  };
}

void be_a_server_that_dials(stage& s, std::string_view bytes,
                            std::size_t step) {
  auto peer = raw_peer::dial(s.service_port, &s.self);
  play(peer, bytes, step);
}

void be_a_worker_that_listens(stage& s, std::string_view bytes,
                              std::size_t step) {
  auto promise = std::make_shared<std::promise<void>>();
  auto wait = expect_end(promise->get_future());
  s.dialler->call(s.uri, some_call(), ends(promise));
  {
    auto peer = s.listener.accept(s.self);
    play(peer, bytes, step);
  }
  wait();
}

void be_a_worker_that_polls(stage& s, std::string_view bytes,
                            std::size_t step) {
  auto promise = std::make_shared<std::promise<void>>();
  auto wait = expect_end(promise->get_future());
  auto number = s.polled->call(subscription, some_call(), ends(promise));
  {
    auto peer = raw_peer::dial(s.polled_port, &s.self);
    play(peer, bytes, step);
  }
  s.polled->withdraw(number);
  wait();
}

void be_a_server_that_is_polled(stage& s, std::string_view bytes,
                                std::size_t step) {
  server_endpoint to;
  to.host = "127.0.0.1";
  to.port = s.listener.port();
  to.thumbprints = {s.self.thumbprint()};
  to.subscription = subscription;
  polling_options options;
  options.connections = 1;
  options.spool = s.spool;
  options.limits = small_limits();
  polling_service worker{s.thread, s.disk,  s.self,
                         to,       options, answering_callbacks()};
  worker.start();
  auto peer = s.listener.accept(s.self);
  play(peer, bytes, step);
}

} // namespace

// The first byte chooses the role, the second how the rest is cut.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size < 3)
    return 0;
  // Never destroyed: threads of it run to the end of the process.
  static auto& all = *new stage;
  std::string_view bytes{reinterpret_cast<const char*>(data + 2), size - 2};
  auto step = std::size_t{data[1]} + 1;
  switch (data[0] % 4) {
  case 0:
    be_a_server_that_dials(all, bytes, step);
    break;
  case 1:
    be_a_worker_that_listens(all, bytes, step);
    break;
  case 2:
    be_a_worker_that_polls(all, bytes, step);
    break;
  default:
    be_a_server_that_is_polled(all, bytes, step);
  }
  return 0;
}
