#include "infra/http_server/sessions.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <exception>
#include <fcntl.h>

#include "infra/halibut/io_thread_impl.hpp"
#include "infra/halibut/listener.hpp"
#include "infra/telemetry/log.hpp"

namespace cuttle::http_server {

namespace asio = boost::asio;
using asio::ip::tcp;

sessions::sessions(halibut::io_thread& thread, std::size_t most,
                   std::string name)
  : context_(thread.get().context), gate_(thread.get().gate), most_(most),
    name_(std::move(name)) {}

sessions::~sessions() = default;

outcome<std::uint16_t> sessions::bind(const std::string& address,
                                      std::uint16_t port) {
  if (listener_)
    return fail(errc::conflict, "was started already");
  auto made = std::make_unique<halibut::listener>(context_);
  auto bound = made->open(address, port);
  if (bound)
    listener_ = std::move(made);
  return bound;
}

void sessions::start(serve_function serve) {
  serve_ = std::move(serve);
  asio::co_spawn(
    context_,
    [self = shared_from_this()] {
      return self->listener_->accept(
        [self](tcp::socket socket) { self->admit(std::move(socket)); },
        [self](const failure& why) {
          telemetry::warn(self->name_ + "-accept-failed",
                          {{"reason", why.text}});
        });
    },
    asio::detached);
}

void sessions::close() {
  closed_ = true;
  gate_->post([self = shared_from_this()] {
    if (self->listener_)
      self->listener_->close();
    for (auto& client : self->open_)
      client->stream.close();
  });
}

void sessions::admit(tcp::socket socket) {
  if (closed_)
    return;
  if (open_.size() >= most_) {
    auto idle
      = std::find_if(open_.begin(), open_.end(),
                     [](const auto& client) { return !client->serving; });
    if (idle == open_.end()) {
      telemetry::debug(name_ + "-connection-refused",
                       {{"connections", open_.size()}});
      return;
    }
    (*idle)->stream.close();
    open_.erase(idle);
  }
  // Asio does not do it; a child process would keep the connection.
  ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
  auto client = std::make_shared<session>(std::move(socket));
  open_.push_back(client);
  asio::co_spawn(
    context_,
    [self = shared_from_this(), client] { return self->serve_(client); },
    [self = shared_from_this(), client](std::exception_ptr) {
      self->open_.remove(client);
    });
}

void post(halibut::io_gate& gate, std::function<void()> job) {
  gate.post(std::move(job));
}

} // namespace cuttle::http_server
