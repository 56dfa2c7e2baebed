#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "messages/failure.hpp"
#include "programs/cuttle/wizard.hpp"

namespace cuttle {

/// The wizard as a page on loopback: the site, and one thread for the
/// conversation with the Octopus Server, on which calls wait their turn. One
/// page at a time: the first one has the seat until another one takes it.
class wizard_web {
public:
  /// `on_change` is called when `done` may have become true, on any thread.
  wizard_web(wizard_options options, settings::environment env,
             std::function<void()> on_change = {});

  /// Ends a call in hand at its next deadline (some 20 s), and an installation
  /// at once.
  ~wizard_web();

  wizard_web(const wizard_web&) = delete;
  wizard_web& operator=(const wizard_web&) = delete;

  /// Binds and begins. Call once.
  outcome<void> start();

  std::uint16_t port() const;

  /// What calls prove to know.
  const std::string& token() const;

  /// What to open. The token is in the fragment, which no browser sends.
  std::string address() const;

  /// Whether the person has closed the wizard. Thread-safe.
  bool done() const;

  /// When the page was last heard of. Thread-safe.
  std::chrono::steady_clock::time_point last_call() const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// `cuttle wizard --web`: prints the address and stays until the page is
/// closed, a signal comes, or nobody has used it for an hour. Returns 0, 1 when
/// it can not listen, 2 for wrong options.
int run_wizard_web(const wizard_options& options);

} // namespace cuttle
