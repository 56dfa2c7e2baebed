// What a runner and a worker say to each other before and between lines: the
// hello, the worker's orders, signs of life, and the file with the address.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "infra/runner_link/wire.hpp"

using namespace cuttle;
using namespace cuttle::runner_link;

namespace {

void require(bool x) {
  if (!x)
    std::abort();
}

std::string_view next(std::string_view& rest, std::size_t step) {
  auto result = rest.substr(0, step);
  rest.remove_prefix(result.size());
  return result;
}

/// The number of the hello, 0 while it is unfinished, -1 for none.
std::int64_t say_hello(std::string_view input, std::size_t step) {
  hello_reader uut;
  std::size_t used = 0;
  while (!input.empty() && !uut.done()) {
    auto piece = next(input, step);
    auto taken = uut.feed(piece);
    if (!taken)
      return -1;
    require(*taken == piece.size() || uut.done());
    used += *taken;
    require(used <= longest_control);
  }
  require(!uut.done() || uut.first() > 0);
  return uut.first();
}

/// The orders up to the first failure.
std::vector<order> give_orders(std::string_view input, std::size_t step,
                               bool& failed) {
  order_reader uut;
  std::vector<order> result;
  while (!input.empty() && !failed)
    failed = !uut.feed(next(input, step), [&](const order& x) {
      require(x.number >= 0);
      result.push_back(x);
    });
  return result;
}

/// A stream in pieces that all begin as the one before ended.
std::string pass(std::string_view input, std::size_t step) {
  life_filter uut;
  std::string result;
  auto at_start = true;
  while (!input.empty()) {
    auto piece = next(input, step);
    auto left = uut.pass(piece);
    auto dropped = piece.substr(0, piece.size() - left.size());
    // Only line feeds at the beginning of a line go, and all of those.
    require(piece.substr(dropped.size()) == left);
    require(dropped.find_first_not_of('\n') == std::string_view::npos);
    require(dropped.empty() || at_start);
    require(!at_start || left.empty() || left.front() != '\n');
    if (!left.empty())
      at_start = left.back() == '\n';
    result += left;
  }
  return result;
}

std::string without_empty_lines(std::string_view input) {
  std::string result;
  for (auto x : input)
    if (x != '\n' || (!result.empty() && result.back() != '\n'))
      result += x;
  return result;
}

} // namespace

// The first byte chooses how the rest is cut.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  if (size == 0)
    return 0;
  std::string_view input{reinterpret_cast<const char*>(data + 1), size - 1};
  auto step = static_cast<std::size_t>(data[0] % 64 + 1);
  constexpr std::size_t whole = 1'000'000;
  require(say_hello(input, whole) == say_hello(input, step));
  auto failed = false;
  auto failed_in_pieces = false;
  auto orders = give_orders(input, whole, failed);
  require(orders == give_orders(input, step, failed_in_pieces));
  require(failed == failed_in_pieces);
  std::string again;
  for (const auto& x : orders)
    append_order(again, x);
  failed = false;
  require(orders == give_orders(again, step, failed));
  require(!failed);
  // A byte at a time finds every empty line; whatever the pieces, lines stay.
  auto lines = without_empty_lines(input);
  require(pass(input, 1) == lines);
  require(without_empty_lines(pass(input, step)) == lines);
  auto place = parse_address(input);
  require(!place || parse_address(format_address(*place)) == place);
  return 0;
}
