#include "infra/sim/octopus_rest.hpp"

#include <mutex>

#include "infra/sim/octopus_rest_http.hpp"
#include "infra/sim/octopus_rest_store.hpp"

namespace cuttle::sim {

struct octopus_rest::impl {
  explicit impl(octopus_rest::options o)
    : options(std::move(o)), store(options),
      http([this](const rest_request& x) { return handle(x); }) {}

  rest_reply handle(const rest_request& request) {
    std::lock_guard lock{mutex};
    calls.push_back(request.method + " "
                    + request.target.substr(0, request.target.find('?')));
    for (auto& x : faults) {
      auto matches = x.times > 0
                     && (x.method.empty() || x.method == request.method)
                     && request.target.find(x.path) != std::string::npos;
      if (!matches)
        continue;
      --x.times;
      return play(x, request);
    }
    return store.handle(request);
  }

  rest_reply play(const fault& x, const rest_request& request) {
    rest_reply result;
    if (x.lose_answer) {
      result = store.handle(request);
      result.cut = true;
      return result;
    }
    result.silent = x.silent;
    result.cut = x.status == 0;
    result.status = x.status;
    result.body = x.body;
    if (!x.location.empty())
      result.headers.emplace("Location", x.location);
    return result;
  }

  template <class F>
  auto locked(F f) {
    std::lock_guard lock{mutex};
    return f();
  }

  octopus_rest::options options;
  mutable std::mutex mutex;
  octopus_rest_store store;
  std::vector<fault> faults;
  std::vector<std::string> calls;
  std::string authority;
  std::uint16_t port = 0;
  // Last: its thread uses the others.
  octopus_rest_http http;
};

octopus_rest::octopus_rest(options options)
  : impl_(std::make_unique<impl>(std::move(options))) {}

octopus_rest::~octopus_rest() {
  impl_->http.stop();
}

outcome<std::uint16_t> octopus_rest::start() {
  auto certificate = make_rest_certificate(impl_->options.certificate);
  if (!certificate)
    return tl::unexpected(certificate.error());
  impl_->authority = certificate->authority_pem;
  if (impl_->options.own_thumbprint)
    impl_->locked(
      [&] { impl_->store.set_thumbprint(certificate->thumbprint); });
  auto port = impl_->http.start(*certificate);
  if (port)
    impl_->port = *port;
  return port;
}

std::string octopus_rest::url() const {
  return "https://127.0.0.1:" + std::to_string(impl_->port)
         + impl_->options.prefix;
}

std::uint16_t octopus_rest::port() const {
  return impl_->port;
}

const std::string& octopus_rest::authority() const {
  return impl_->authority;
}

std::string octopus_rest::add_user(const user& who) {
  return impl_->locked([&] { return impl_->store.add_user(who); });
}

std::string octopus_rest::add_space(const std::string& name) {
  return impl_->locked([&] { return impl_->store.add_space(name); });
}

std::string octopus_rest::add_pool(const std::string& space,
                                   const std::string& name, bool dynamic) {
  return impl_->locked(
    [&] { return impl_->store.add_pool(space, name, dynamic); });
}

std::string octopus_rest::add_policy(const std::string& space,
                                     const std::string& name,
                                     const std::string& update_behaviour) {
  return impl_->locked(
    [&] { return impl_->store.add_policy(space, name, update_behaviour); });
}

std::string octopus_rest::add_worker(const std::string& space,
                                     const std::string& name,
                                     const std::string& style,
                                     const std::string& thumbprint,
                                     const std::vector<std::string>& pools) {
  nlohmann::json worker{{"Name", name},
                        {"MachinePolicyId", "MachinePolicies-1"},
                        {"WorkerPoolIds", pools},
                        {"IsDisabled", false},
                        {"Endpoint",
                         {{"CommunicationStyle", style},
                          {"TentacleEndpointConfiguration",
                           {{"CommunicationMode", "Polling"},
                            {"Thumbprint", thumbprint},
                            {"Uri", "poll://somebody/"}}}}}};
  return impl_->locked([&] { return impl_->store.add_worker(space, worker); });
}

void octopus_rest::set_health(const std::string& health) {
  impl_->locked([&] { impl_->store.health = health; });
}

std::vector<std::string> octopus_rest::workers(const std::string& space) const {
  return impl_->locked([&] { return impl_->store.workers(space); });
}

std::vector<std::string> octopus_rest::calls() const {
  return impl_->locked([&] { return impl_->calls; });
}

void octopus_rest::forget_calls() {
  impl_->locked([&] { impl_->calls.clear(); });
}

void octopus_rest::break_next(fault what) {
  impl_->locked([&] { impl_->faults.push_back(std::move(what)); });
}

void octopus_rest::repair() {
  impl_->locked([&] { impl_->faults.clear(); });
}

void octopus_rest::skew_clock(long seconds) {
  impl_->locked([&] { impl_->store.clock_skew = seconds; });
}

} // namespace cuttle::sim
