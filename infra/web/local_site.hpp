#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "infra/halibut/io_thread.hpp"
#include "messages/failure.hpp"

namespace cuttle::web {

/// A file of the site; what it refers to must outlive the site.
struct site_file {
  /// Such as `/wizard.css`.
  std::string path;
  /// Its media type.
  std::string type;
  std::string_view content;
};

/// A call that was let in: `POST /api/<name>` with a body of JSON, which nobody
/// has parsed yet.
struct site_call {
  std::string name;
  std::string body;
  /// Which page calls: `X-Cuttle-Page`, at most 64 bytes.
  std::string page;
};

/// Its answer, JSON as well.
struct site_reply {
  int status = 200;
  std::string body = "{}";
};

/// Delivers the answer of a call; only the first one counts. Callable from any
/// thread, and after the site is gone.
using site_answer = std::function<void(site_reply)>;

/// How long a call waits for its answer, and the answer when there is none
/// then.
struct site_patience {
  std::chrono::milliseconds limit{60'000};
  site_reply otherwise;
};

/// Files and calls for a browser on this machine, over plain HTTP/1.1 on
/// 127.0.0.1 alone. Who may ask is `refuse`'s to say. Bounded: connections,
/// header and body size, time per request. Nothing of a request is logged, and
/// every answer forbids the browser to keep it, to run anything but the site's
/// own files, and to show it in another page's frame.
class local_site {
public:
  struct options {
    /// 0 lets the system choose.
    std::uint16_t port = 0;
    /// What calls must prove to know.
    std::string token;
    std::vector<site_file> files;
    std::size_t connections = 16;
    std::uint32_t header_bytes = 8 * 1024;
    std::uint64_t body_bytes = 64 * 1024;
    /// For the whole of a request, once its connection is there or its first
    /// byte could come.
    std::chrono::milliseconds request_timeout{10'000};
    /// Between requests.
    std::chrono::milliseconds idle_timeout{120'000};
  };

  /// Called on the site's thread for each call; must not block.
  using handler = std::function<site_patience(site_call, site_answer)>;

  local_site(halibut::io_thread& thread, options options, handler handle);
  ~local_site();

  local_site(const local_site&) = delete;
  local_site& operator=(const local_site&) = delete;

  /// Binds; returns the port.
  outcome<std::uint16_t> start();

private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

/// 256 random bits in hexadecimal. Throws when the generator fails.
std::string make_token();

} // namespace cuttle::web
