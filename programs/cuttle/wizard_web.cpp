#include "programs/cuttle/wizard_web.hpp"

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string_view>
#include <thread>

#include "infra/web/local_site.hpp"
#include "programs/cuttle/stop_signal.hpp"
#include "programs/cuttle/wizard_page.hpp"

namespace cuttle {

extern const std::string_view embedded_wizard_html;
extern const std::string_view embedded_wizard_css;
extern const std::string_view embedded_wizard_js;

namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

// Calls that wait for the conversation; a page has one or two.
constexpr std::size_t max_queue = 16;

constexpr auto news_limit = 25s;
constexpr auto idle_limit = 1h;

web::site_reply refused(int status, const char* error, const char* text) {
  return {status, nlohmann::json{{"error", text}, {"reason", error}}.dump()};
}

} // namespace

struct wizard_web::impl {
  impl(wizard_options options, settings::environment env,
       std::function<void()> change)
    : page(std::move(options), env), on_change(std::move(change)) {}

  // -- on the site's thread ---------------------------------------------------

  web::site_patience handle(web::site_call call, web::site_answer answer) {
    heard = clock::now().time_since_epoch().count();
    auto body = nlohmann::json::parse(call.body, nullptr, false);
    web::site_patience patience;
    patience.otherwise
      = refused(504, "late", "The server has not answered in time.");
    if (!has_seat(call, body)) {
      answer(
        refused(409, "seat", "The wizard is open in another tab or browser."));
      return patience;
    }
    if (call.name == "progress") {
      std::uint64_t after = 0;
      if (body.is_object() && body.contains("after")
          && body["after"].is_number_unsigned())
        after = body["after"].get<std::uint64_t>();
      patience.limit = news_limit;
      patience.otherwise = progress.since(after);
      // What is not new comes as such, whatever the time.
      progress.ask(after, std::move(answer));
      return patience;
    }
    std::lock_guard lock{mutex};
    if (progress.active() && call.name == "open")
      answer({200, R"({"ok":true,"running":true,"notes":[]})"});
    else if (progress.active())
      answer(refused(409, "busy", "An installation is under way."));
    else if (queue.size() >= max_queue)
      answer(refused(503, "full", "Too many calls at once."));
    else
      queue.push_back({std::move(call), std::move(answer)});
    changed.notify_all();
    return patience;
  }

  bool has_seat(const web::site_call& call, const nlohmann::json& body) {
    auto takes = call.name == "open"
                 && (seat.empty()
                     || (body.is_object()
                         && body.value("take", nlohmann::json{}) == true));
    if (takes)
      seat = call.page;
    return !call.page.empty() && call.page == seat;
  }

  // -- on the conversation's thread -------------------------------------------

  void converse(std::stop_token stop) {
    for (;;) {
      waiting_call next;
      {
        std::unique_lock lock{mutex};
        if (!changed.wait(lock, stop, [&] { return !queue.empty(); }))
          return;
        next = std::move(queue.front());
        queue.pop_front();
      }
      auto reply = page.call(next.call.name, next.call.body);
      // Whoever hears that it began finds it begun.
      if (page.wants_to_install())
        progress.begin();
      next.answer(std::move(reply));
      if (page.wants_to_install())
        page.install(progress, stop);
      if (page.done() && !done.exchange(true) && on_change)
        on_change();
    }
  }

  struct waiting_call {
    web::site_call call;
    web::site_answer answer;
  };

  wizard_page page;
  wizard_progress progress;
  std::function<void()> on_change;
  const std::string token = web::make_token();
  std::uint16_t port = 0;
  // Which page has it; only on the site's thread.
  std::string seat;
  std::atomic<bool> done = false;
  std::atomic<clock::rep> heard = clock::now().time_since_epoch().count();
  std::mutex mutex;
  std::condition_variable_any changed;
  std::deque<waiting_call> queue;
  // Last, so that the threads end before what they use.
  std::unique_ptr<halibut::io_thread> thread;
  std::unique_ptr<web::local_site> site;
  std::jthread conversation;
};

wizard_web::wizard_web(wizard_options options, settings::environment env,
                       std::function<void()> on_change)
  : impl_(std::make_unique<impl>(std::move(options), std::move(env),
                                 std::move(on_change))) {}

wizard_web::~wizard_web() {
  // (no new calls, then the conversation, then its answers' thread)
  impl_->site.reset();
  impl_->conversation = {};
  impl_->thread.reset();
}

outcome<void> wizard_web::start() {
  auto& x = *impl_;
  x.thread = std::make_unique<halibut::io_thread>();
  web::local_site::options options;
  options.port = x.page.port();
  options.token = x.token;
  options.files = {
    {"/", "text/html; charset=utf-8", embedded_wizard_html},
    {"/wizard.css", "text/css; charset=utf-8", embedded_wizard_css},
    {"/wizard.js", "text/javascript; charset=utf-8", embedded_wizard_js},
  };
  x.site = std::make_unique<web::local_site>(
    *x.thread, std::move(options),
    [&x](web::site_call call, web::site_answer answer) {
      return x.handle(std::move(call), std::move(answer));
    });
  auto port = x.site->start();
  if (!port)
    return tl::unexpected(port.error());
  x.port = *port;
  x.conversation
    = std::jthread{[&x](const std::stop_token& stop) { x.converse(stop); }};
  return {};
}

std::uint16_t wizard_web::port() const {
  return impl_->port;
}

const std::string& wizard_web::token() const {
  return impl_->token;
}

std::string wizard_web::address() const {
  return "http://127.0.0.1:" + std::to_string(impl_->port)
         + "/#token=" + impl_->token;
}

bool wizard_web::done() const {
  return impl_->done;
}

clock::time_point wizard_web::last_call() const {
  return clock::time_point{clock::duration{impl_->heard}};
}

int run_wizard_web(const wizard_options& options) {
  stop_signal signal;
  wizard_web web{options, settings::process_environment(),
                 [&] { signal.notify(); }};
  if (auto started = web.start(); !started) {
    std::fprintf(stderr, "cuttle wizard: %s\n", started.error().text.c_str());
    return started.error().code == errc::unavailable ? 1 : 2;
  }
  std::fprintf(stderr,
               "Open this address in a browser on this machine. Keep it to "
               "yourself: who has it\ncan use the wizard. Ctrl-C ends it.\n\n");
  std::fprintf(stdout, "%s\n", web.address().c_str());
  std::fflush(stdout);
  for (;;) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(
      web.last_call() + idle_limit - clock::now());
    if (left <= 0ms) {
      std::fprintf(stderr, "Nobody has used the page for an hour; it ends.\n");
      return 0;
    }
    if (signal.wait_for(left, [&] { return web.done(); })) {
      std::fprintf(stderr, "The wizard ends.\n");
      return 0;
    }
    if (web.done()) {
      std::fprintf(stderr, "The page was closed; the wizard ends.\n");
      return 0;
    }
  }
}

} // namespace cuttle
