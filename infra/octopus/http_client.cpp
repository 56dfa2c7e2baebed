#include "infra/octopus/http_client.hpp"

#include <algorithm>
#include <curl/curl.h>
#include <mutex>
#include <new>
#include <sys/socket.h>
#include <unistd.h>

namespace cuttle::octopus {

namespace {

// Seven fields, divided by tabs; the last two are name and value.
constexpr int cookie_fields = 7;

void prepare_curl() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

struct list_deleter {
  void operator()(curl_slist* x) const {
    curl_slist_free_all(x);
  }
};

using list_ptr = std::unique_ptr<curl_slist, list_deleter>;

void add(list_ptr& list, const std::string& line) {
  auto* longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr)
    throw std::bad_alloc();
  (void)list.release();
  list.reset(longer);
}

} // namespace

struct http_client::impl {
  explicit impl(http_options o) : options(std::move(o)) {
    prepare_curl();
    easy = curl_easy_init();
    if (easy == nullptr)
      throw std::bad_alloc();
    rules.verify = options.verify;
    rules.ca_pem = options.ca_pem;
    // Switches the cookie jar on.
    set(CURLOPT_COOKIEFILE, "");
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_ERRORBUFFER, error);
    set(CURLOPT_PROTOCOLS_STR, "https,http");
    set(CURLOPT_PATH_AS_IS, 1L);
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(CURLOPT_USERAGENT, "cuttle/" CUTTLE_VERSION);
    set_proxy();
    set_tls();
    using function = size_t (*)(char*, size_t, size_t, void*);
    function body = [](char* data, size_t, size_t size, void* self) -> size_t {
      auto& x = *static_cast<impl*>(self);
      if (x.result.body.size() + size > x.options.body_bytes)
        return CURL_WRITEFUNC_ERROR;
      x.result.body.append(data, size);
      return size;
    };
    // libcurl does not say how far an attempt came that ran out of time.
    using closer = int (*)(void*, curl_socket_t);
    closer close_socket = [](void* self, curl_socket_t socket) {
      auto& x = *static_cast<impl*>(self);
      sockaddr_storage peer;
      socklen_t size = sizeof(peer);
      if (getpeername(socket, reinterpret_cast<sockaddr*>(&peer), &size) == 0)
        x.result.connected = true;
      return close(socket);
    };
    set(CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    set(CURLOPT_CLOSESOCKETDATA, this);
    set(CURLOPT_WRITEFUNCTION, body);
    set(CURLOPT_WRITEDATA, this);
  }

  ~impl() {
    curl_easy_cleanup(easy);
  }

  template <class T>
  void set(CURLoption option, T value) {
    curl_easy_setopt(easy, option, value);
  }

  void set_proxy() {
    auto& proxy = options.proxy;
    // An empty text switches the environment's proxy off.
    auto host = proxy.host.find(':') == std::string::npos
                  ? proxy.host
                  : "[" + proxy.host + "]";
    set(CURLOPT_PROXY, proxy.host.empty() ? "" : host.c_str());
    set(CURLOPT_NOPROXY, "");
    if (proxy.host.empty())
      return;
    set(CURLOPT_PROXYTYPE, static_cast<long>(CURLPROXY_HTTP));
    set(CURLOPT_PROXYPORT, static_cast<long>(proxy.port));
    set(CURLOPT_HTTPPROXYTUNNEL, 1L);
    set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (!proxy.username.empty()) {
      set(CURLOPT_PROXYAUTH, static_cast<long>(CURLAUTH_BASIC));
      set(CURLOPT_PROXYUSERNAME, proxy.username.c_str());
      set(CURLOPT_PROXYPASSWORD, proxy.password.c_str());
    }
  }

  void set_tls() {
    set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(CURLOPT_SSL_VERIFYPEER, options.verify ? 1L : 0L);
    set(CURLOPT_SSL_VERIFYHOST, options.verify ? 2L : 0L);
    // A session that is resumed shows no certificate.
    set(CURLOPT_SSL_SESSIONID_CACHE, 0L);
    using function = CURLcode (*)(CURL*, void*, void*);
    function context = [](CURL*, void* ssl, void* self) {
      auto& x = *static_cast<impl*>(self);
      return apply(x.rules, static_cast<SSL_CTX*>(ssl))
               ? CURLE_OK
               : CURLE_SSL_CACERT_BADFILE;
    };
    set(CURLOPT_SSL_CTX_FUNCTION, context);
    set(CURLOPT_SSL_CTX_DATA, this);
  }

  long number(CURLINFO what) const {
    long value = 0;
    curl_easy_getinfo(easy, what, &value);
    return value;
  }

  bool passed(CURLINFO what) const {
    curl_off_t value = 0;
    curl_easy_getinfo(easy, what, &value);
    return value > 0;
  }

  void read_headers() {
    curl_header* found = nullptr;
    auto header = [&](const char* name) {
      return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &found)
             == CURLHE_OK;
    };
    if (header("Location"))
      result.location = found->value;
    if (header("Date"))
      if (auto time = curl_getdate(found->value, nullptr); time > 0)
        result.server_time = std::chrono::system_clock::from_time_t(time);
  }

  http_options options;
  tls_rules rules;
  CURL* easy = nullptr;
  char error[CURL_ERROR_SIZE] = {};
  http_result result;
};

http_client::http_client(http_options options)
  : impl_(std::make_unique<impl>(std::move(options))) {}

http_client::~http_client() = default;

http_result http_client::send(const http_request& request,
                              std::chrono::milliseconds limit) {
  auto& x = *impl_;
  auto& options = x.options;
  x.result = {};
  x.error[0] = '\0';
  limit
    = std::clamp(limit, std::chrono::milliseconds{1}, options.request_timeout);
  list_ptr headers;
  add(headers, "Accept: application/json");
  add(headers, "Expect:");
  if (!request.body.empty())
    add(headers, "Content-Type: application/json; charset=utf-8");
  // libcurl would name its own type for an empty POST.
  else
    add(headers, "Content-Type:");
  for (auto& line : request.headers)
    if (line.find_first_of("\r\n") == std::string::npos)
      add(headers, line);
  x.set(CURLOPT_URL, request.url.c_str());
  x.set(CURLOPT_HTTPHEADER, headers.get());
  auto post = !request.body.empty() || request.method == "POST";
  if (post) {
    x.set(CURLOPT_POST, 1L);
    x.set(CURLOPT_POSTFIELDSIZE_LARGE,
          static_cast<curl_off_t>(request.body.size()));
    x.set(CURLOPT_POSTFIELDS, request.body.c_str());
  } else {
    x.set(CURLOPT_HTTPGET, 1L);
  }
  x.set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  x.set(CURLOPT_FRESH_CONNECT, request.fresh ? 1L : 0L);
  x.set(CURLOPT_TIMEOUT_MS, static_cast<long>(limit.count()));
  x.set(CURLOPT_CONNECTTIMEOUT_MS,
        static_cast<long>(std::min(limit, options.connect_timeout).count()));
  auto code = curl_easy_perform(x.easy);
  auto& result = x.result;
  result.curl_code = code;
  result.status = static_cast<int>(x.number(CURLINFO_RESPONSE_CODE));
  result.connect_status = static_cast<int>(x.number(CURLINFO_HTTP_CONNECTCODE));
  result.os_error = static_cast<int>(x.number(CURLINFO_OS_ERRNO));
  result.connected |= x.passed(CURLINFO_CONNECT_TIME_T);
  result.sent = x.passed(CURLINFO_PRETRANSFER_TIME_T);
  result.tls = x.rules.seen;
  if (code != CURLE_OK)
    result.detail = x.error[0] != '\0' ? x.error : curl_easy_strerror(code);
  else
    x.read_headers();
  // The list ends with this call.
  x.set(CURLOPT_HTTPHEADER, static_cast<curl_slist*>(nullptr));
  x.set(CURLOPT_POSTFIELDS, static_cast<char*>(nullptr));
  return std::move(result);
}

std::string http_client::cookie(std::string_view prefix) const {
  curl_slist* raw = nullptr;
  curl_easy_getinfo(impl_->easy, CURLINFO_COOKIELIST, &raw);
  list_ptr list{raw};
  for (auto* x = raw; x != nullptr; x = x->next) {
    std::string_view line{x->data};
    for (int i = 0; i < cookie_fields - 2; ++i) {
      auto tab = line.find('\t');
      line.remove_prefix(tab == std::string_view::npos ? line.size() : tab + 1);
    }
    auto tab = line.find('\t');
    if (line.starts_with(prefix) && tab != std::string_view::npos)
      return std::string{line.substr(tab + 1)};
  }
  return {};
}

std::string http_client::proxy_name() const {
  auto& proxy = impl_->options.proxy;
  return proxy.host.empty() ? std::string{}
                            : proxy.host + ":" + std::to_string(proxy.port);
}

} // namespace cuttle::octopus
