#pragma once

#include <nlohmann/json.hpp>

#include "programs/cuttle/wizard_web.hpp"
#include "tests/unit/register/fixture.hpp"

namespace cuttle::test {

/// A wizard's page with an embedded Octopus Server behind it, and a helm and a
/// kubectl that do as they are told.
class WizardPage : public Registration {
protected:
  using json = nlohmann::json;

  /// An HTTP answer.
  struct reply {
    int status = 0;
    json body;
  };

  void SetUp() override;
  void TearDown() override;

  /// Starts the page with `it`.
  void start();

  /// One call as the page makes it, or with other headers.
  reply call(const std::string& name, const json& body = json::object());
  reply send(const std::string& name, const std::string& body,
             std::vector<std::string> headers);
  std::vector<std::string> headers(const std::string& page = "one") const;

  /// A helm that says a line and ends with this shell text.
  void make_helm(const std::string& end);

  /// The answers of a person who does everything right; fails the test when
  /// one is refused.
  void fill_in(const std::string& name);

  /// Asks for progress until the installation has ended; all its lines.
  json follow();
  std::string lines;

  wizard_options it;
  std::unique_ptr<wizard_web> web;

private:
  std::string path_;
};

} // namespace cuttle::test
