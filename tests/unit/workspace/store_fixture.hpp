#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>

#include "infra/workspace/store.hpp"

namespace cuttle::workspace::test {

namespace fs = std::filesystem;

inline std::string read_file(const fs::path& path) {
  std::ifstream in{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

inline void write_plain(const fs::path& path, std::string_view content) {
  fs::create_directories(path.parent_path());
  std::ofstream{path, std::ios::binary} << content;
}

inline unsigned mode_of(const fs::path& path) {
  struct stat info {};
  EXPECT_EQ(::lstat(path.c_str(), &info), 0) << path;
  return info.st_mode & 07777;
}

/// Names of all files and folders below `path`, relative and sorted.
inline std::vector<std::string> tree(const fs::path& path) {
  std::vector<std::string> result;
  for (const auto& entry : fs::recursive_directory_iterator{path})
    result.push_back(fs::relative(entry.path(), path).string());
  std::sort(result.begin(), result.end());
  return result;
}

/// A store on a folder of its own.
class store_test : public ::testing::Test {
public:
  store_test() {
    auto name = (fs::temp_directory_path() / "cuttle-store-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr)
      throw std::runtime_error("no temporary folder");
    root_ = fs::canonical(name);
    home_ = root_ / "home";
    runner_ = root_ / "runner";
    write_plain(runner_ / "bootstrapRunner-linux-amd64", "the runner");
    write_plain(runner_ / "execute-bootstrapRunner.sh", "#!/bin/sh\n");
    write_plain(runner_ / "folder" / "below", "not taken");
    options_.home = home_;
    options_.runner_directory = runner_;
    options_.volume_size = "100Gi";
    options_.required_free_bytes = 1;
    restart();
  }

  ~store_test() override {
    finish();
    std::error_code ignored;
    fs::remove_all(root_, ignored);
  }

  /// As a new process on the same volume, once its first clean-up is done.
  void restart() {
    finish();
    disk_ = std::make_unique<disk::disk_pool>(2);
    store_ = make_store(*disk_, options_);
    while (disk_->pending() != 0)
      std::this_thread::yield();
  }

  /// Runs all jobs and stops.
  void finish() {
    store_.reset();
    disk_.reset();
  }

  static script_ticket ticket(std::string text) {
    return script_ticket{std::move(text)};
  }

  static start_script command(std::string body, std::string name = "Ticket1") {
    start_script result;
    result.script_body = std::move(body);
    result.ticket = ticket(std::move(name));
    return result;
  }

  static script_file file(std::string name, std::string content) {
    script_file result;
    result.name = std::move(name);
    result.contents = memory(std::move(content));
    return result;
  }

  static received_stream memory(std::string content) {
    auto result = std::make_shared<stream_body>();
    result->length = static_cast<std::int64_t>(content.size());
    result->bytes = std::move(content);
    return result;
  }

  /// A stream in a spool file, as the link makes it.
  received_stream spooled(std::string_view content) const {
    static std::atomic<int> count = 0;
    auto path = spool_directory(home_) / ("spool-" + std::to_string(++count));
    write_plain(path, content);
    ::chmod(path.c_str(), 0600);
    auto* body = new stream_body;
    body->file = path;
    body->sha1 = crypto::sha1_hex_lower(
      {reinterpret_cast<const std::uint8_t*>(content.data()), content.size()});
    body->length = static_cast<std::int64_t>(content.size());
    return {body, [](stream_body* done) {
              if (!done->file.empty())
                fs::remove(done->file);
              delete done;
            }};
  }

  static crypto::log_key key() {
    crypto::bytes machine_key(32);
    for (std::uint8_t i = 0; i < 32; ++i)
      machine_key[i] = i;
    return crypto::derive_log_key(machine_key, "abc");
  }

  outcome<volume_space> prepare(start_script what) {
    std::promise<outcome<volume_space>> result;
    store_->prepare(std::move(what), key(), [&](outcome<volume_space> x) {
      result.set_value(std::move(x));
    });
    return result.get_future().get();
  }

  outcome<void> remove(script_ticket what) {
    std::promise<outcome<void>> result;
    store_->remove(std::move(what),
                   [&](outcome<void> x) { result.set_value(std::move(x)); });
    return result.get_future().get();
  }

  outcome<std::vector<workspace_info>> list() {
    std::promise<outcome<std::vector<workspace_info>>> result;
    store_->list([&](outcome<std::vector<workspace_info>> x) {
      result.set_value(std::move(x));
    });
    return result.get_future().get();
  }

  outcome<uploaded_file> put(std::string path, received_stream contents) {
    std::promise<outcome<uploaded_file>> result;
    store_->put(
      {std::move(path), std::move(contents)},
      [&](outcome<uploaded_file> x) { result.set_value(std::move(x)); });
    return result.get_future().get();
  }

  outcome<downloaded_file> get(std::string path) {
    std::promise<outcome<downloaded_file>> result;
    store_->get({std::move(path)}, [&](outcome<downloaded_file> x) {
      result.set_value(std::move(x));
    });
    return result.get_future().get();
  }

  outcome<volume_space> space() {
    std::promise<outcome<volume_space>> result;
    store_->space(
      [&](outcome<volume_space> x) { result.set_value(std::move(x)); });
    return result.get_future().get();
  }

  fs::path work(const std::string& name = "Ticket1") const {
    return home_ / "Work" / name;
  }

  fs::path root_;
  fs::path home_;
  fs::path runner_;
  store_options options_;
  std::unique_ptr<disk::disk_pool> disk_;
  std::unique_ptr<store> store_;
};

} // namespace cuttle::workspace::test
