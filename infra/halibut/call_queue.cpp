#include "infra/halibut/call_queue.hpp"

#include <algorithm>
#include <string>
#include <utility>

namespace cuttle::halibut {

void call_queue::push(std::shared_ptr<pending_call> call,
                      const halibut::limits& limits) {
  if (calls_->size() >= limits.queued_requests)
    return finish(*call, fail(errc::overloaded,
                              std::to_string(calls_->size())
                                + " requests wait for the worker already"));
  call->timer.expires_after(limits.queue_timeout);
  call->timer.async_wait(
    [weak = std::weak_ptr{calls_}, weak_call = std::weak_ptr{call},
     patience = limits.queue_timeout](const boost::system::error_code& error) {
      auto calls = weak.lock();
      auto late = weak_call.lock();
      if (!error && calls && late)
        expire(*calls, late, patience);
    });
  calls_->push_back(std::move(call));
}

void call_queue::expire(list& calls, const std::shared_ptr<pending_call>& call,
                        std::chrono::milliseconds patience) {
  auto i = std::find(calls.begin(), calls.end(), call);
  if (i == calls.end())
    return;
  calls.erase(i);
  finish(*call, fail(errc::deadline_exceeded,
                     "no worker collected the request within "
                       + std::to_string(patience.count()) + " ms"));
}

std::shared_ptr<pending_call> call_queue::pop() {
  if (calls_->empty())
    return nullptr;
  auto call = std::move(calls_->front());
  calls_->pop_front();
  call->timer.cancel();
  return call;
}

bool call_queue::withdraw(std::uint64_t number) {
  auto i = std::find_if(calls_->begin(), calls_->end(),
                        [&](auto& x) { return x->number == number; });
  if (i == calls_->end())
    return false;
  auto call = std::move(*i);
  calls_->erase(i);
  finish(*call, fail(errc::cancelled, "the call was withdrawn"));
  return true;
}

void call_queue::fail_all(const failure& reason) {
  auto left = std::exchange(*calls_, {});
  for (auto& call : left)
    finish(*call, tl::unexpected(reason));
}

} // namespace cuttle::halibut
