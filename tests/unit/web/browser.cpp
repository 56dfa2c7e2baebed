#include "browser.hpp"

#include <array>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <poll.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "infra/crypto/cipher.hpp"

extern char** environ;

namespace cuttle::test {

namespace {

using namespace std::chrono_literals;
using json = nlohmann::json;

// One answer; a loaded machine starts Chromium slowly.
constexpr int answer_limit_ms = 60'000;
constexpr std::size_t max_message = 64 * 1024 * 1024;

} // namespace

std::optional<std::string> browser::find() {
  for (std::string path : {"/usr/bin/chromium", "/usr/bin/chromium-browser",
                           "/usr/bin/google-chrome"})
    if (access(path.c_str(), X_OK) == 0)
      return path;
  return std::nullopt;
}

browser::browser(const std::string& program,
                 const std::filesystem::path& folder) {
  int in[2];
  int out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
    throw std::runtime_error{"no pipes for the browser"};
  to_ = in[1];
  from_ = out[0];
  std::vector<std::string> words{program,
                                 "--headless=new",
                                 "--remote-debugging-pipe",
                                 "--user-data-dir=" + folder.string(),
                                 "--no-first-run",
                                 "--no-proxy-server",
                                 "--disable-gpu",
                                 "--disable-dev-shm-usage",
                                 "--disable-background-networking",
                                 "--disable-component-update",
                                 "--disable-extensions",
                                 "--disable-sync",
                                 "--hide-scrollbars",
                                 "about:blank"};
  // (its sandbox wants a user that is not root; it sees our own page alone)
  if (geteuid() == 0)
    words.insert(words.begin() + 1, "--no-sandbox");
  std::vector<char*> raw;
  for (auto& x : words)
    raw.push_back(x.data());
  raw.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  // Moved out of the way first: a pipe may have been given the number 3 or 4.
  auto high_in = fcntl(in[0], F_DUPFD_CLOEXEC, 10);
  auto high_out = fcntl(out[1], F_DUPFD_CLOEXEC, 10);
  auto log = (folder.string() + ".log");
  posix_spawn_file_actions_adddup2(&files, high_in, 3);
  posix_spawn_file_actions_adddup2(&files, high_out, 4);
  for (int x : {1, 2})
    posix_spawn_file_actions_addopen(&files, x, log.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawnattr_t how;
  posix_spawnattr_init(&how);
  posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP);
  auto error
    = posix_spawn(&pid_, program.c_str(), &files, &how, raw.data(), environ);
  posix_spawnattr_destroy(&how);
  posix_spawn_file_actions_destroy(&files);
  for (int x : {in[0], out[1], high_in, high_out})
    close(x);
  if (error != 0)
    throw std::runtime_error{"the browser does not start"};
  auto target = call("Target.createTarget", {{"url", "about:blank"}});
  auto attached = call("Target.attachToTarget",
                       {{"targetId", target["targetId"]}, {"flatten", true}});
  session_ = attached["sessionId"].get<std::string>();
  call("Page.enable");
}

browser::~browser() {
  if (pid_ > 0) {
    // (its helpers are in the group)
    kill(-pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(to_);
  close(from_);
}

json browser::receive() {
  for (;;) {
    if (auto end = read_.find('\0'); end != std::string::npos) {
      auto message = json::parse(read_.substr(0, end), nullptr, false);
      read_.erase(0, end + 1);
      return message;
    }
    pollfd item{from_, POLLIN, 0};
    if (poll(&item, 1, answer_limit_ms) != 1)
      throw std::runtime_error{"the browser does not answer"};
    std::array<char, 65'536> buffer;
    auto count = read(from_, buffer.data(), buffer.size());
    if (count <= 0 || read_.size() > max_message)
      throw std::runtime_error{"the browser has ended"};
    read_.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

json browser::call(const std::string& method, json parameters) {
  auto id = ++next_;
  json message{{"id", id}, {"method", method}, {"params", parameters}};
  if (!session_.empty())
    message["sessionId"] = session_;
  auto text = message.dump();
  text += '\0';
  for (std::size_t done = 0; done < text.size();) {
    auto count = write(to_, text.data() + done, text.size() - done);
    if (count <= 0)
      throw std::runtime_error{"the browser takes no call"};
    done += static_cast<std::size_t>(count);
  }
  for (;;) {
    auto answer = receive();
    if (!answer.is_object() || answer.value("id", 0) != id)
      continue;
    if (answer.contains("error"))
      throw std::runtime_error{method + ": " + answer["error"].dump()};
    return answer["result"];
  }
}

void browser::size(int width, int height, bool dark) {
  call("Emulation.setDeviceMetricsOverride", {{"width", width},
                                              {"height", height},
                                              {"deviceScaleFactor", 1},
                                              {"mobile", false}});
  call(
    "Emulation.setEmulatedMedia",
    {{"features",
      {{{"name", "prefers-color-scheme"}, {"value", dark ? "dark" : "light"}},
       {{"name", "prefers-reduced-motion"}, {"value", "reduce"}}}}});
}

void browser::open(const std::string& address) {
  call("Page.navigate", {{"url", address}});
}

json browser::value(const std::string& expression) {
  auto result = call("Runtime.evaluate", {{"expression", expression},
                                          {"awaitPromise", true},
                                          {"userGesture", true},
                                          {"returnByValue", true}});
  return result["result"].value("value", json{});
}

bool browser::until(const std::string& expression) {
  for (int i = 0; i < 600; ++i) {
    if (value("(() => { try { return Boolean(" + expression
              + ") } catch { return false } })()")
        == true)
      return true;
    std::this_thread::sleep_for(50ms);
  }
  return false;
}

void browser::type(const std::string& text) {
  call("Input.insertText", {{"text", text}});
}

void browser::press(const std::string& key, int code) {
  for (auto* kind : {"keyDown", "keyUp"})
    call("Input.dispatchKeyEvent", {{"type", kind},
                                    {"key", key},
                                    {"code", key},
                                    {"windowsVirtualKeyCode", code},
                                    {"text", key == "Enter" ? "\r" : ""}});
}

void browser::screenshot(const std::filesystem::path& file) {
  auto size = call("Page.getLayoutMetrics")["cssContentSize"];
  auto shot = call("Page.captureScreenshot", {{"format", "png"},
                                              {"captureBeyondViewport", true},
                                              {"clip",
                                               {{"x", 0},
                                                {"y", 0},
                                                {"width", size["width"]},
                                                {"height", size["height"]},
                                                {"scale", 1}}}});
  auto bytes = crypto::from_base64(shot["data"].get<std::string>());
  std::ofstream out{file, std::ios::binary};
  for (auto x : bytes.value())
    out.put(static_cast<char>(x));
}

} // namespace cuttle::test
