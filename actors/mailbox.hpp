#pragma once

#include <caf/actor_cast.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/send.hpp>
#include <utility>

namespace cuttle {

/// Posts to an actor from a thread that CAF does not know, without keeping the
/// actor alive. Copies are cheap. Thread-safe.
template <class Handle>
class mailbox {
public:
  explicit mailbox(const Handle& owner)
    : owner_(caf::actor_cast<caf::weak_actor_ptr>(owner)) {}

  /// Returns false once the actor is gone, so that the caller can stop working.
  template <class... Ts>
  bool post(Ts&&... xs) const {
    auto strong = caf::actor_cast<Handle>(owner_);
    if (!strong)
      return false;
    caf::anon_send(strong, std::forward<Ts>(xs)...);
    return true;
  }

private:
  caf::weak_actor_ptr owner_;
};

} // namespace cuttle
