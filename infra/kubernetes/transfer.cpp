#include "infra/kubernetes/transfer.hpp"

#include <charconv>
#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdexcept>
#include <sys/socket.h>

namespace cuttle::kubernetes {

struct transfer::impl {
  CURL* easy = nullptr;
  curl_slist* headers = nullptr;
  transfer_owner* owner = nullptr;
  bool alone = false;
  bool stopped = false;
  bool has_headers = false;
  std::function<void()> on_sent;
  char error[CURL_ERROR_SIZE] = {};
};

namespace {

curl_blob blob_of(const std::string& text) {
  // The access outlives all transfers, see `http_thread`.
  return {const_cast<char*>(text.data()), text.size(), CURL_BLOB_NOCOPY};
}

/// Makes the kernel notice a peer that is gone, also under a stream that may
/// be silent for hours, and keeps little of a paused stream in the kernel.
int tune_socket(void* alone, curl_socket_t socket, curlsocktype) {
  auto set = [&](int level, int name, int value) {
    setsockopt(socket, level, name, &value, sizeof value);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 20);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set(IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 30'000);
  if (*static_cast<bool*>(alone))
    set(SOL_SOCKET, SO_RCVBUF, 256 * 1024);
  return CURL_SOCKOPT_OK;
}

// What a follow stream keeps while its script is silent, which is most of the
// time of most of them (bytes). libcurl's own sizes are 64 KiB for a request's
// headers, of which these are few, and 16 KiB for reading.
constexpr long stream_send_buffer = 16 * 1024;
constexpr long stream_read_buffer = 8 * 1024;

/// Gives back the TLS connection's buffers that are not in use. libcurl has
/// OpenSSL keep none, but a ticket that the server sends after the handshake
/// makes it take one for writing (17 KiB), and a follow stream never writes
/// again.
void release_buffers(CURL* easy) {
  curl_tlssessioninfo* session = nullptr;
  curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &session);
  if (session && session->backend == CURLSSLBACKEND_OPENSSL
      && session->internals)
    SSL_free_buffers(static_cast<SSL*>(session->internals));
}

int status_of(CURL* easy) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

/// Whether libcurl's result means that nothing of the request was sent.
bool before_sending(CURLcode code) {
  switch (code) {
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_RESOLVE_PROXY:
  case CURLE_COULDNT_CONNECT:
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_INTERFACE_FAILED:
  case CURLE_NO_CONNECTION_AVAILABLE:
    return true;
  default:
    return false;
  }
}

bool set_up_wrongly(CURLcode code) {
  switch (code) {
  case CURLE_URL_MALFORMAT:
  case CURLE_UNSUPPORTED_PROTOCOL:
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CIPHER:
  case CURLE_SSL_ISSUER_ERROR:
    return true;
  default:
    return false;
  }
}

} // namespace

transfer::transfer(const access& where, const api_options& options,
                   const std::string& token, const http_request& request,
                   transfer_owner& owner, bool fresh)
  : impl_(std::make_unique<impl>()) {
  auto& x = *impl_;
  x.owner = &owner;
  x.alone = request.alone;
  x.on_sent = request.on_sent;
  x.easy = curl_easy_init();
  if (x.easy == nullptr)
    throw std::bad_alloc();
  auto set = [&](CURLoption option, auto value) {
    curl_easy_setopt(x.easy, option, value);
  };
  auto url = where.server + request.path;
  set(CURLOPT_PRIVATE, this);
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "https,http");
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_PROXY, "");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_ERRORBUFFER, x.error);
  set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (!request.body.empty()) {
    set(CURLOPT_POSTFIELDSIZE_LARGE,
        static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_COPYPOSTFIELDS, request.body.data());
  }

  // Connections.
  long version = request.alone ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS;
  set(CURLOPT_HTTP_VERSION, version);
  set(CURLOPT_PIPEWAIT, request.alone ? 0L : 1L);
  set(CURLOPT_FRESH_CONNECT, request.alone || fresh ? 1L : 0L);
  set(CURLOPT_FORBID_REUSE, request.alone ? 1L : 0L);
  set(CURLOPT_SOCKOPTFUNCTION, &tune_socket);
  set(CURLOPT_SOCKOPTDATA, &x.alone);
  set(CURLOPT_CONNECTTIMEOUT_MS,
      static_cast<long>(options.connect_timeout.count()));
  if (!request.endless)
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(options.request_timeout.count()));

  if (request.alone) {
    set(CURLOPT_UPLOAD_BUFFERSIZE, stream_send_buffer);
    set(CURLOPT_BUFFERSIZE, stream_read_buffer);
  }

  // TLS.
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(CURLOPT_SSL_VERIFYPEER, where.verify_server ? 1L : 0L);
  set(CURLOPT_SSL_VERIFYHOST, where.verify_server ? 2L : 0L);
  if (!where.ca_pem.empty()) {
    auto ca = blob_of(where.ca_pem);
    set(CURLOPT_CAINFO_BLOB, &ca);
    set(CURLOPT_CAPATH, static_cast<char*>(nullptr));
  }
  if (!where.client_certificate_pem.empty()) {
    auto certificate = blob_of(where.client_certificate_pem);
    auto key = blob_of(where.client_key_pem);
    set(CURLOPT_SSLCERTTYPE, "PEM");
    set(CURLOPT_SSLCERT_BLOB, &certificate);
    set(CURLOPT_SSLKEYTYPE, "PEM");
    set(CURLOPT_SSLKEY_BLOB, &key);
  }

  // Headers.
  auto add = [&](const std::string& line) {
    x.headers = curl_slist_append(x.headers, line.c_str());
  };
  add("Accept: application/json, */*");
  add("User-Agent: cuttle/" CUTTLE_VERSION);
  add("Expect:");
  if (!request.body.empty())
    add("Content-Type: " + request.content_type);
  // A line end inside would make a header of its own.
  if (!token.empty() && token.find_first_of("\r\n") == std::string::npos)
    add("Authorization: Bearer " + token);
  set(CURLOPT_HTTPHEADER, x.headers);

  // Callbacks.
  using function = size_t (*)(char*, size_t, size_t, void*);
  function headers = [](char* data, size_t, size_t size, void* self) {
    auto& it = *static_cast<transfer*>(self)->impl_;
    std::string_view line{data, size};
    if ((line == "\r\n" || line == "\n") && status_of(it.easy) >= 200
        && !it.has_headers) {
      it.has_headers = true;
      if (it.alone)
        release_buffers(it.easy);
      it.owner->on_headers(status_of(it.easy));
    }
    return size;
  };
  function body = [](char* data, size_t, size_t size, void* self) -> size_t {
    auto& it = *static_cast<transfer*>(self)->impl_;
    switch (it.owner->on_body({data, size})) {
    case body_answer::go_on:
      return size;
    case body_answer::pause:
      return CURL_WRITEFUNC_PAUSE;
    case body_answer::stop:
      break;
    }
    it.stopped = true;
    return CURL_WRITEFUNC_ERROR;
  };
  if (x.on_sent) {
    curl_prereq_callback sent = [](void* self, char*, char*, int, int) {
      static_cast<transfer*>(self)->impl_->on_sent();
      return CURL_PREREQFUNC_OK;
    };
    set(CURLOPT_PREREQFUNCTION, sent);
    set(CURLOPT_PREREQDATA, this);
  }
  set(CURLOPT_HEADERFUNCTION, headers);
  set(CURLOPT_HEADERDATA, this);
  set(CURLOPT_WRITEFUNCTION, body);
  set(CURLOPT_WRITEDATA, this);
}

transfer::~transfer() {
  curl_easy_cleanup(impl_->easy);
  curl_slist_free_all(impl_->headers);
}

void* transfer::handle() {
  return impl_->easy;
}

transfer& transfer::of(void* handle) {
  char* self = nullptr;
  curl_easy_getinfo(handle, CURLINFO_PRIVATE, &self);
  return *static_cast<transfer*>(static_cast<void*>(self));
}

transfer_owner& transfer::owner() {
  return *impl_->owner;
}

void transfer::resume() {
  curl_easy_pause(impl_->easy, CURLPAUSE_CONT);
}

attempt transfer::result(int curl_code) {
  using kind = attempt::kind;
  auto code = static_cast<CURLcode>(curl_code);
  attempt result;
  result.status = status_of(impl_->easy);
  curl_header* wait = nullptr;
  if (curl_easy_header(impl_->easy, "Retry-After", 0, CURLH_HEADER, -1, &wait)
      == CURLHE_OK) {
    std::string_view text{wait->value};
    unsigned seconds = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), seconds).ec
        == std::errc{})
      result.retry_after = std::chrono::seconds{seconds};
  }
  if (code == CURLE_OK || impl_->stopped)
    return result;
  long connects = 0;
  curl_off_t connected = 0;
  curl_easy_getinfo(impl_->easy, CURLINFO_NUM_CONNECTS, &connects);
  curl_easy_getinfo(impl_->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
  result.how = kind::lost;
  if (set_up_wrongly(code))
    result.how = kind::misconfigured;
  else if (before_sending(code)
           || (code == CURLE_OPERATION_TIMEDOUT && connected == 0))
    result.how = kind::not_received;
  result.error
    = impl_->error[0] != '\0' ? impl_->error : curl_easy_strerror(code);
  return result;
}

} // namespace cuttle::kubernetes
