#include "programs/cuttle/bench_metrics.hpp"

#include <algorithm>
#include <charconv>
#include <curl/curl.h>
#include <fstream>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

namespace cuttle {

namespace {

constexpr long patience_ms = 1'000;

// Takes the number at the beginning of `text` away.
std::optional<double> take_number(std::string_view& text) {
  double result = 0;
  auto [end, error]
    = std::from_chars(text.data(), text.data() + text.size(), result);
  if (error != std::errc{})
    return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return result;
}

} // namespace

std::string metrics_page(std::uint16_t port) {
  std::string page;
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy{curl_easy_init(),
                                                           curl_easy_cleanup};
  if (!easy)
    return page;
  using writer = std::size_t (*)(char*, std::size_t, std::size_t, void*);
  writer keep = [](char* data, std::size_t, std::size_t size, void* to) {
    static_cast<std::string*>(to)->append(data, size);
    return size;
  };
  auto url = "http://127.0.0.1:" + std::to_string(port) + "/metrics";
  curl_easy_setopt(easy.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(easy.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy.get(), CURLOPT_TIMEOUT_MS, patience_ms);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEFUNCTION, keep);
  curl_easy_setopt(easy.get(), CURLOPT_WRITEDATA, &page);
  if (curl_easy_perform(easy.get()) != CURLE_OK)
    page.clear();
  return page;
}

std::uint16_t metrics_port(const std::filesystem::path& log) {
  constexpr std::string_view event = "probes-listening port=";
  std::ifstream in{log};
  std::uint16_t result = 0;
  for (std::string line; std::getline(in, line);) {
    auto at = line.find(event);
    if (at == std::string::npos)
      continue;
    auto* digits = line.data() + at + event.size();
    std::from_chars(digits, line.data() + line.size(), result);
  }
  return result;
}

std::optional<double> metric_of(std::uint16_t port, const std::string& name) {
  auto page = '\n' + metrics_page(port);
  auto wanted = '\n' + name + ' ';
  auto at = page.find(wanted);
  if (at == std::string::npos)
    return std::nullopt;
  auto rest = std::string_view{page}.substr(at + wanted.size());
  return take_number(rest);
}

std::optional<load::own_time> own_time_of(std::string_view page,
                                          std::string_view name) {
  constexpr double ms = 1'000;
  auto head = std::string{name} + "_bucket{le=\"";
  constexpr std::string_view middle = "\"} ";
  // (bounds in rising order, the last one +Inf with all of them)
  std::vector<std::pair<double, double>> buckets;
  for (auto at = page.find(head); at != std::string_view::npos;
       at = page.find(head, at + 1)) {
    auto rest = page.substr(at + head.size());
    auto infinite = rest.starts_with("+Inf");
    auto bound = infinite ? std::numeric_limits<double>::infinity()
                          : take_number(rest).value_or(0);
    if (infinite)
      rest.remove_prefix(4);
    if (!rest.starts_with(middle))
      return std::nullopt;
    rest.remove_prefix(middle.size());
    auto count = take_number(rest);
    if (!count)
      return std::nullopt;
    buckets.emplace_back(bound * ms, *count);
  }
  if (buckets.empty() || buckets.back().second < 1)
    return std::nullopt;
  auto all = buckets.back().second;
  auto bound_of = [&](double share) {
    auto enough
      = [&](const auto& bucket) { return bucket.second >= share * all; };
    return std::find_if(buckets.begin(), buckets.end(), enough)->first;
  };
  constexpr double half = 0.5;
  constexpr double most = 0.99;
  return load::own_time{static_cast<std::uint64_t>(all), bound_of(half),
                        bound_of(most)};
}

} // namespace cuttle
