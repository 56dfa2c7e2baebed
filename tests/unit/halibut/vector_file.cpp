#include "vector_file.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <openssl/evp.h>

#include "tests/folders.hpp"

namespace cuttle::halibut::test {

namespace {

std::vector<std::uint8_t> decode_hex(const std::string& text) {
  std::vector<std::uint8_t> result;
  std::string digits;
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits),
               [](char c) { return c != ' '; });
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    result.push_back(
      static_cast<std::uint8_t>(std::stoi(digits.substr(i, 2), nullptr, 16)));
  return result;
}

std::vector<vector_step> load() {
  std::vector<std::filesystem::path> files;
  for (auto& x :
       std::filesystem::directory_iterator{tests_folder() + "/vectors"})
    if (x.path().extension() == ".json")
      files.push_back(x.path());
  std::sort(files.begin(), files.end());
  std::vector<vector_step> result;
  for (auto& file : files) {
    auto content = nlohmann::json::parse(std::ifstream{file});
    for (auto& step : content.at("steps")) {
      auto& x = result.emplace_back();
      x.file = file.stem();
      x.from_worker = step.at("direction") == "worker->server";
      x.kind = step.at("kind");
      if (step.contains("hex"))
        x.bytes = decode_hex(step["hex"]);
      else if (step.contains("base64"))
        x.bytes = decode_base64(step["base64"]);
      if (step.contains("bson_base64"))
        x.document = decode_base64(step["bson_base64"]);
      x.stream_id = step.value("stream_id", "");
      x.stream_length = step.value("stream_length", std::int64_t{0});
      x.elements = step.value("elements", std::vector<std::string>{});
    }
  }
  return result;
}

} // namespace

const std::vector<vector_step>& vector_steps() {
  static const auto result = load();
  return result;
}

std::vector<std::uint8_t> decode_base64(const std::string& text) {
  std::vector<std::uint8_t> result(text.size() / 4 * 3);
  auto size = EVP_DecodeBlock(
    result.data(), reinterpret_cast<const unsigned char*>(text.data()),
    static_cast<int>(text.size()));
  auto padding = std::count(text.begin(), text.end(), '=');
  result.resize(static_cast<std::size_t>(size - padding));
  return result;
}

} // namespace cuttle::halibut::test
