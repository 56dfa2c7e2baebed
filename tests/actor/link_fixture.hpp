#pragma once

#include "actor_fixture.hpp"
#include "infra/podlog/frame.hpp"
#include "scripted_links.hpp"

namespace cuttle::test {

/// An operation whose runner is played by the test, over its own link.
class link_fixture : public intake_fixture {
protected:
  void SetUp() override {
    intake_fixture::SetUp();
    made->links = &links;
  }

  void begin() {
    load();
    started(ticket);
  }

  // Begins, and the runner dials.
  void link() {
    begin();
    session = links.dial(ticket);
    ASSERT_NE(session, 0u);
    settle();
  }

  void send(const std::string& bytes) {
    links.send(ticket, bytes);
    settle();
  }

  static std::string line(std::int64_t number) {
    return frame(number, "line " + std::to_string(number));
  }

  static std::string lines(std::int64_t first, std::int64_t last) {
    std::string result;
    for (auto i = first; i <= last; ++i)
      result += line(i);
    return result;
  }

  static std::string end(std::int64_t number, std::int32_t code) {
    return frame(number, podlog::end_marker_text(code), output_source::debug);
  }

  static std::string frame(std::int64_t number, const std::string& text,
                           output_source source = output_source::out) {
    std::string result = "2026-01-01T10:00:00Z ";
    podlog::append_frame(result, sample_key(), number, source, text);
    return result;
  }

  std::vector<std::string> output(std::int64_t cursor = 0) {
    return texts(status(ticket, cursor), output_source::out);
  }

  const script_ticket ticket{"Ticket-1"};
  scripted_links links;
  runner_link::session_id session = 0;
};

} // namespace cuttle::test
