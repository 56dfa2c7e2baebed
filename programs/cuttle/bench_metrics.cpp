#include "programs/cuttle/bench_metrics.hpp"

#include <charconv>
#include <curl/curl.h>
#include <fstream>
#include <memory>
#include <string_view>

namespace cuttle {

namespace {

constexpr long patience_ms = 1'000;

std::string page_of(std::uint16_t port) {
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

} // namespace

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
  auto page = '\n' + page_of(port);
  auto wanted = '\n' + name + ' ';
  auto at = page.find(wanted);
  if (at == std::string::npos)
    return std::nullopt;
  double result = 0;
  auto* begin = page.data() + at + wanted.size();
  auto [end, error] = std::from_chars(begin, page.data() + page.size(), result);
  return error == std::errc{} ? std::optional{result} : std::nullopt;
}

} // namespace cuttle
