#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "infra/kubernetes/api_client.hpp"
#include "infra/kubernetes/credentials.hpp"
#include "infra/kubernetes/retry.hpp"

namespace cuttle::kubernetes {

/// One HTTP request to the API server.
struct http_request {
  std::string method = "GET";
  /// Path and query, escaped.
  std::string path;
  std::string body;
  std::string content_type = "application/json";
  /// What is counted: verb and resource are literals.
  std::string_view verb;
  std::string_view resource;
  std::string name;
  /// A response without end of its own (watch, follow): no time limit.
  bool endless = false;
  /// A connection of its own that speaks HTTP/1.1. In libcurl 7.88 a paused
  /// stream of HTTP/2 goes on receiving into memory and slows its neighbours.
  bool alone = false;
  /// Called inside of libcurl each time the request has a connection and goes
  /// out. May be empty; must not touch any transfer.
  std::function<void()> on_sent;
};

/// What to do after a piece of a body.
enum class body_answer : std::uint8_t { go_on, pause, stop };

/// Hears about one transfer. All calls come on the driver's thread.
class transfer_owner {
public:
  virtual ~transfer_owner() = default;

  /// The status line and all headers are there; at most once. Inside of
  /// libcurl: must not touch any transfer.
  virtual void on_headers(int status) = 0;

  /// A piece of the body, after `on_headers`. Inside of libcurl. After `pause`
  /// the same bytes come again once the transfer is resumed; after `stop`
  /// nothing comes but `on_done`.
  virtual body_answer on_body(std::string_view bytes) = 0;

  /// The end; once, after everything else, and outside of libcurl. May destroy
  /// the transfer.
  virtual void on_done(const attempt& result) = 0;
};

/// One attempt of one request as an easy handle of libcurl. Used on the
/// driver's thread only, never destroyed inside of libcurl.
class transfer {
public:
  /// `fresh`: do not use a connection that exists already.
  transfer(const access& where, const api_options& options,
           const std::string& token, const http_request& request,
           transfer_owner& owner, bool fresh);
  ~transfer();

  transfer(const transfer&) = delete;
  transfer& operator=(const transfer&) = delete;

  /// The easy handle, for the multi handle.
  void* handle();

  /// The transfer of an easy handle.
  static transfer& of(void* handle);

  /// How the attempt ended, given libcurl's result for it.
  attempt result(int curl_code);

  transfer_owner& owner();

  /// Goes on after `body_answer::pause`. May call `on_body`.
  void resume();

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace cuttle::kubernetes
