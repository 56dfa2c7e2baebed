#include "infra/halibut/reply.hpp"

#include <atomic>
#include <utility>

namespace cuttle::halibut {

namespace {

class reply_state {
public:
  reply_state(std::shared_ptr<io_gate> gate, std::weak_ptr<reply_slot> slot,
              std::string id)
    : gate_(std::move(gate)), slot_(std::move(slot)), id_(std::move(id)) {}

  reply_state(const reply_state&) = delete;
  reply_state& operator=(const reply_state&) = delete;

  ~reply_state() {
    if (!answered_)
      answer(transient_error(id_, "The worker dropped this request without an "
                                  "answer; it can be repeated."));
  }

  void answer(rpc_response response) {
    if (answered_.exchange(true))
      return;
    response.id = id_;
    auto shared = std::make_shared<rpc_response>(std::move(response));
    gate_->post([slot = slot_, shared] {
      auto target = slot.lock();
      if (!target)
        return;
      target->response = std::move(*shared);
      if (target->waiter)
        target->waiter->notify();
    });
  }

private:
  std::shared_ptr<io_gate> gate_;
  std::weak_ptr<reply_slot> slot_;
  std::string id_;
  std::atomic<bool> answered_ = false;
};

} // namespace

reply_function make_reply(std::shared_ptr<io_gate> gate,
                          std::weak_ptr<reply_slot> slot, std::string id) {
  auto state = std::make_shared<reply_state>(std::move(gate), std::move(slot),
                                             std::move(id));
  return [state](rpc_response response) { state->answer(std::move(response)); };
}

rpc_response transient_error(std::string id, std::string message) {
  rpc_response result;
  result.id = std::move(id);
  result.error = server_error{message, message, std::nullopt};
  return result;
}

} // namespace cuttle::halibut
