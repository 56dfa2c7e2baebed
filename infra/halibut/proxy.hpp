#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "infra/halibut/polling_service.hpp"
#include "messages/failure.hpp"

namespace cuttle::halibut {

/// The largest answer of a proxy that is read.
inline constexpr std::size_t proxy_answer_bytes = 16 * 1'024;

/// The CONNECT request for a server behind a proxy (`halibut` section 5).
std::string format_connect(const server_endpoint& server,
                           const proxy_settings& proxy);

/// Checks the head of a proxy's answer: nothing but 200 is success.
outcome<void> check_connect_answer(std::string_view head);

} // namespace cuttle::halibut
