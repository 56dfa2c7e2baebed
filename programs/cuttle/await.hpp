#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <utility>

#include "messages/failure.hpp"

namespace cuttle {

/// Makes a call whose answer comes on another thread, and waits for it; nothing
/// when that takes longer than `patience`. `call` gets the function to answer
/// with, which may be called later than that, but once. Blocks: not for actors,
/// and not for the thread that brings the answer.
template <class T, class Call>
std::optional<outcome<T>> await(std::chrono::milliseconds patience, Call call) {
  // Shared with the answering thread, since the waiting may end first.
  auto answer = std::make_shared<std::promise<outcome<T>>>();
  auto result = answer->get_future();
  call(std::function<void(outcome<T>)>{
    [answer](outcome<T> x) { answer->set_value(std::move(x)); }});
  if (result.wait_for(patience) != std::future_status::ready)
    return std::nullopt;
  return result.get();
}

} // namespace cuttle
