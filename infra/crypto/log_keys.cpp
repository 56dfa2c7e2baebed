#include "infra/crypto/log_keys.hpp"

namespace cuttle::crypto {

log_keys::log_keys(byte_span machine_key, std::size_t kept)
  : machine_key_(machine_key.begin(), machine_key.end()), kept_(kept) {}

log_key log_keys::of(std::string_view ticket) {
  std::string name{ticket};
  {
    std::lock_guard lock{mutex_};
    if (auto i = known_.find(name); i != known_.end())
      return i->second;
  }
  // (another thread may do the same meanwhile, with the same result)
  auto result = derive_log_key(machine_key_, ticket);
  std::lock_guard lock{mutex_};
  if (!known_.emplace(name, result).second)
    return result;
  order_.push_back(std::move(name));
  if (order_.size() > kept_) {
    known_.erase(order_.front());
    order_.pop_front();
  }
  return result;
}

} // namespace cuttle::crypto
