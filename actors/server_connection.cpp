#include "actors/server_connection.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>
#include <caf/typed_response_promise.hpp>
#include <set>
#include <utility>

#include "actors/failure.hpp"
#include "actors/mailbox.hpp"
#include "actors/rpc_call.hpp"
#include "infra/telemetry/log.hpp"
#include "infra/tentacle/services.hpp"

namespace cuttle {

namespace {

// Counts a request until it is answered, or nobody can answer it any more.
halibut::reply_function counted(telemetry::gauge& busy,
                                halibut::reply_function reply) {
  busy.add(1);
  std::shared_ptr<void> mark{nullptr, [&busy](void*) { busy.add(-1); }};
  return [mark, reply = std::move(reply)](halibut::rpc_response x) mutable {
    mark = nullptr;
    reply(std::move(x));
  };
}

class server_connection {
public:
  static inline const char* name = "cuttle.server_connection";

  server_connection(server_connection_actor::pointer self, context_ptr context,
                    const server_link_factory& server, request_targets targets)
    : self_(self), context_(std::move(context)), server_(server.name),
      targets_(std::move(targets)),
      connected_gauge_(context_->metrics.gauge(
        "cuttle_server_links",
        "Polling connections that the server identified.",
        {{"server", server.name}})),
      busy_gauge_(context_->metrics.gauge(
        "cuttle_server_links_busy",
        "Polling connections with a request that is not answered yet.",
        {{"server", server.name}})),
      requests_(context_->metrics.counter("cuttle_server_requests_total",
                                          "Requests of the server.",
                                          {{"server", server.name}})) {
    install_handlers(self_);
    mailbox<server_connection_actor> box{server_connection_actor{self_}};
    halibut::service_callbacks callbacks;
    callbacks.on_request
      = [box, &busy = busy_gauge_](halibut::rpc_request request,
                                   halibut::reply_function reply) {
          box.post(std::make_shared<rpc_call>(
            rpc_call{std::chrono::steady_clock::now(), std::move(request),
                     counted(busy, std::move(reply))}));
        };
    callbacks.on_link = [box](const halibut::link_event& event) {
      if (event.what == halibut::link_event::kind::stopped)
        return;
      auto connected = event.what == halibut::link_event::kind::connected;
      box.post(
        link_changed{event.connection, connected, event.reason, event.retry_in,
                     event.what == halibut::link_event::kind::listening});
    };
    link_ = server.make(std::move(callbacks));
  }

  server_connection_actor::behavior_type make_behavior() {
    link_->start();
    return {
      [this](const rpc_call_ptr& call) { on_request(call); },
      [this](const link_changed& x) { on_link(x); },
      [this](drain_atom) { return drain(); },
      [this](stopped_atom) { on_stopped(); },
    };
  }

private:
  // -- requests -------------------------------------------------------------

  void on_request(const rpc_call_ptr& call) {
    requests_.add();
    auto decoded = tentacle::decode(call->request);
    if (auto* error = std::get_if<halibut::server_error>(&decoded)) {
      telemetry::warn("request-refused", {{"server", server_},
                                          {"service", call->request.service},
                                          {"method", call->request.method},
                                          {"reason", error->message}});
      halibut::rpc_response response;
      response.id = call->request.id;
      response.error = std::move(*error);
      call->reply(std::move(response));
      return;
    }
    std::visit([&](auto& x) { dispatch(call, x); },
               std::get<tentacle::service_call>(decoded));
  }

  void dispatch(const rpc_call_ptr& call, tentacle::get_capabilities) {
    call->reply(tentacle::encode_capabilities(call->request.id));
  }

  void dispatch(const rpc_call_ptr& call, start_script& x) {
    x.arrived = call->arrived;
    ask<script_status>(call, targets_.intake, std::move(x));
  }

  void dispatch(const rpc_call_ptr& call, get_status& x) {
    ask<script_status>(call, targets_.intake, std::move(x));
  }

  void dispatch(const rpc_call_ptr& call, cancel_script& x) {
    ask<script_status>(call, targets_.intake, std::move(x));
  }

  void dispatch(const rpc_call_ptr& call, complete_script& x) {
    self_->request(targets_.intake, caf::infinite, std::move(x))
      .then([call] { call->reply(tentacle::encode_nothing(call->request.id)); },
            [this, call](const caf::error& e) { refuse(call, e); });
  }

  void dispatch(const rpc_call_ptr& call, upload_file& x) {
    ask<uploaded_file>(call, targets_.files, std::move(x));
  }

  void dispatch(const rpc_call_ptr& call, download_file& x) {
    ask<downloaded_file>(call, targets_.files, std::move(x));
  }

  template <class Result, class Target, class Request>
  void ask(const rpc_call_ptr& call, const Target& target, Request&& x) {
    self_->request(target, caf::infinite, std::forward<Request>(x))
      .then(
        [call](const Result& result) {
          call->reply(tentacle::encode(call->request.id, result));
        },
        [this, call](const caf::error& e) { refuse(call, e); });
  }

  void refuse(const rpc_call_ptr& call, const caf::error& e) {
    auto reason = to_failure(e);
    // What broke is rebuilt: the server's next attempt finds it.
    if (reason.code == errc::internal)
      reason.code = errc::unavailable;
    telemetry::warn("request-failed", {{"server", server_},
                                       {"method", call->request.method},
                                       {"code", to_string(reason.code)},
                                       {"reason", reason.text}});
    call->reply(tentacle::encode(call->request.id, reason));
  }

  // -- links ----------------------------------------------------------------

  void on_link(const link_changed& x) {
    if (x.listening) {
      listening_ = true;
    } else if (x.connected) {
      if (connected_.insert(x.connection).second && connected_.size() == 1)
        telemetry::info("server-connected", {{"server", server_}});
    } else {
      auto lost = connected_.erase(x.connection) > 0;
      // One line when the last link goes or the first attempt fails; the rest
      // of the repetitions are for those who look for them.
      auto level = connected_.empty() && (lost || reason_ != x.reason)
                     ? settings::log_level::warn
                     : settings::log_level::debug;
      reason_ = x.reason;
      telemetry::log(level, "server-link-lost",
                     {{"server", server_},
                      {"connection", x.connection},
                      {"reason", x.reason.text},
                      {"retry_in_ms", x.retry_in.count()}});
    }
    connected_gauge_.set(static_cast<double>(connected_.size()));
    auto count = std::to_string(connected_.size()) + " connections";
    auto ok = listening_ || !connected_.empty();
    self_->send(targets_.health, component_report{"server:" + server_, ok,
                                                  ok ? count : reason_.text});
  }

  caf::result<void> drain() {
    if (stopped_)
      return caf::unit;
    auto first = !drain_promise_.pending();
    auto reply = self_->make_response_promise<void>();
    if (!first)
      drain_promise_.deliver();
    drain_promise_ = reply;
    if (first)
      link_->stop(
        context_->settings.drain_patience,
        [box = mailbox<server_connection_actor>{
           server_connection_actor{self_}}] { box.post(stopped_atom_v); });
    return reply;
  }

  void on_stopped() {
    stopped_ = true;
    connected_.clear();
    if (drain_promise_.pending())
      drain_promise_.deliver();
  }

  server_connection_actor::pointer self_;
  context_ptr context_;
  std::string server_;
  request_targets targets_;
  telemetry::gauge& connected_gauge_;
  telemetry::gauge& busy_gauge_;
  telemetry::counter& requests_;
  std::set<unsigned> connected_;
  failure reason_;
  /// In listening mode it is up to the servers whether there are links.
  bool listening_ = false;
  bool stopped_ = false;
  caf::typed_response_promise<void> drain_promise_;
  std::unique_ptr<server_link> link_;
};

} // namespace

server_connection_actor
spawn_server_connection(caf::local_actor& parent, context_ptr context,
                        const server_link_factory& server,
                        request_targets targets) {
  using impl = server_connection_actor::stateful_impl<server_connection>;
  return parent.spawn<impl, caf::linked>(std::move(context), server,
                                         std::move(targets));
}

} // namespace cuttle
