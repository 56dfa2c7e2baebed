#pragma once

#include <functional>
#include <memory>
#include <string>

#include "infra/kubernetes/http_thread.hpp"
#include "infra/kubernetes/request.hpp"

namespace cuttle::kubernetes {

/// One request whose answer goes through a function to the user's callback.
template <class T>
class simple_call final : public call {
public:
  using answer = tl::expected<std::string, request_failure>;
  using read_function = std::function<outcome<T>(answer)>;

  simple_call(http_thread& thread, std::shared_ptr<call_flags> flags,
              http_request content, repeatable how, std::string what,
              read_function read, std::function<void(outcome<T>)> done)
    : call(std::move(flags)), thread_(thread), content_(std::move(content)),
      how_(how), what_(std::move(what)), read_(std::move(read)),
      done_(std::move(done)) {}

  void start() override {
    request_
      = std::make_unique<request>(thread_, std::move(content_), how_,
                                  std::move(what_), [this](answer result) {
                                    tell(done_, read_(std::move(result)));
                                    thread_.close(this);
                                  });
  }

private:
  http_thread& thread_;
  http_request content_;
  repeatable how_;
  std::string what_;
  read_function read_;
  std::function<void(outcome<T>)> done_;
  std::unique_ptr<request> request_;
};

} // namespace cuttle::kubernetes
