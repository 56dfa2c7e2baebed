#include "infra/load/histogram.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace cuttle::load {

std::size_t latency_histogram::index_of(std::uint64_t value) {
  auto width = static_cast<unsigned>(std::bit_width(value));
  auto shift = width > sub_bits + 1 ? width - sub_bits - 1 : 0;
  return std::size_t{shift} * sub_count + (value >> shift);
}

std::uint64_t latency_histogram::upper_bound(std::size_t index) {
  if (index < 2 * std::size_t{sub_count})
    return index;
  auto shift = index / sub_count - 1;
  auto part = index - shift * sub_count;
  return ((std::uint64_t{part} + 1) << shift) - 1;
}

void latency_histogram::add(duration value) {
  constexpr std::int64_t most = (std::int64_t{1} << value_bits) - 1;
  auto micros = std::clamp<std::int64_t>(value.count(), 0, most);
  ++counts_[index_of(static_cast<std::uint64_t>(micros))];
  ++count_;
  sum_ += static_cast<std::uint64_t>(micros);
  max_ = std::max(max_, micros);
}

void latency_histogram::merge(const latency_histogram& other) {
  for (std::size_t i = 0; i < buckets; ++i)
    counts_[i] += other.counts_[i];
  count_ += other.count_;
  sum_ += other.sum_;
  max_ = std::max(max_, other.max_);
}

latency_histogram::duration latency_histogram::mean() const {
  return duration{count_ == 0 ? 0 : static_cast<std::int64_t>(sum_ / count_)};
}

latency_histogram::duration latency_histogram::percentile(double share) const {
  if (count_ == 0)
    return duration{0};
  auto exact
    = std::ceil(std::clamp(share, 0.0, 1.0) * static_cast<double>(count_));
  auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(exact));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    seen += counts_[i];
    if (seen >= rank)
      return duration{
        std::min(max_, static_cast<std::int64_t>(upper_bound(i)))};
  }
  return max();
}

std::vector<std::pair<latency_histogram::duration, double>>
latency_histogram::curve() const {
  std::vector<std::pair<duration, double>> result;
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    if (counts_[i] == 0)
      continue;
    seen += counts_[i];
    auto bound = std::min(max_, static_cast<std::int64_t>(upper_bound(i)));
    result.emplace_back(bound, static_cast<double>(seen)
                                 / static_cast<double>(count_));
  }
  return result;
}

} // namespace cuttle::load
