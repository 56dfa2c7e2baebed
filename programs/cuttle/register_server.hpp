#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "infra/octopus/session.hpp"
#include "programs/cuttle/register_state.hpp"

namespace cuttle {

/// What the server has to know and what it told.
struct server_side {
  octopus::space_document space;
  /// Thumbprint of the certificate to pin.
  std::string thumbprint;
};

/// The server's half of a registration, in two steps, so that our own identity
/// can be stored in between: first everything is looked up and checked, then
/// the worker's record is written. Blocks; one thread.
class server_registration {
public:
  struct options {
    std::chrono::milliseconds patience{12'000};
    std::chrono::milliseconds comms_patience{8'000};
    std::function<void(const octopus::trouble&, std::chrono::milliseconds)>
      on_wait;
  };

  server_registration(const register_settings& wish, const register_state& now,
                      const register_work& work, options how);

  /// Sign-in, space, certificate, polling addresses, pools, policy
  /// (`install-and-register` 6.2). Changes nothing.
  octopus::answer<server_side> look_up();

  /// Creates, takes over or changes the record; the result is what to store.
  /// Repeating it is harmless: a record with our thumbprint is ours.
  octopus::answer<registration_record> write(const std::string& name,
                                             const std::string& thumbprint,
                                             const std::string& subscription);

private:
  octopus::answer<std::optional<octopus::worker_document>>
  find_record(const std::string& name, const std::string& thumbprint);
  octopus::answer<void> find_pools_and_policy();
  octopus::answer<void> check_comms(const std::string& thumbprint);

  const register_settings& wish_;
  const register_state& now_;
  const register_work& work_;
  options how_;
  octopus::session session_;
  octopus::worker_wish record_;
};

/// Asks each polling address for its certificate; the first that is wrong is
/// the answer.
octopus::answer<void>
check_polling_addresses(const std::vector<settings::host_and_port>& addresses,
                        const settings::polling_proxy& proxy,
                        const std::string& thumbprint,
                        std::chrono::milliseconds patience);

/// Settings of a session for these values.
octopus::session_options session_options_of(const register_settings& wish,
                                            std::chrono::milliseconds patience);

} // namespace cuttle
