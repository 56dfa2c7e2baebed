#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "messages/stream.hpp"

namespace cuttle {

/// A point in time with nanoseconds, in UTC.
using timestamp = std::chrono::system_clock::time_point;

/// Identity of one script execution, chosen by the server. Equality ignores
/// case, so maps are keyed by `key()`; paths, labels and the log key use the
/// spelling as received.
struct script_ticket {
  std::string task_id;

  /// The lower-cased spelling, for maps.
  std::string key() const;

  /// Whether the ticket may be used in a path or a label: 1 to 100 characters
  /// of `[A-Za-z0-9_.-]`, and not only dots.
  bool valid() const;

  friend bool operator==(const script_ticket& x, const script_ticket& y) {
    return x.key() == y.key();
  }
};

/// Where a line of output came from. The values are those of the wire.
enum class output_source : std::uint8_t { out = 0, err = 1, debug = 2 };

/// One line for the task log. `text` is valid UTF-8 without line terminator.
struct output_line {
  output_source source = output_source::out;
  timestamp occurred;
  std::string text;

  friend bool operator==(const output_line&, const output_line&) = default;
};

/// What the server sees of a script. The values are those of the wire.
enum class process_state : std::uint8_t {
  pending = 0,
  running = 1,
  complete = 2
};

/// Exit codes with a meaning of their own (`worker-behaviour`, 3.2).
enum exit_code : std::int32_t {
  exit_ok = 0,
  exit_killed_by_signal = -1,
  exit_fatal = -41,
  exit_cancelled = -43,
  exit_timeout = -44,
  exit_pod_not_found = -81,
};

/// Isolation of a script against others with the same mutex name [ISO-01].
enum class isolation_level : std::uint8_t { none = 0, full = 1 };

/// The image that a step names, with the feed's credentials.
struct pod_image {
  std::optional<std::string> image;
  std::optional<std::string> feed_url;
  std::optional<std::string> feed_username;
  std::optional<std::string> feed_password;
};

/// Slugs that end up as labels (hashed) and annotations of the pod [POD-04].
struct auth_context {
  std::string space_slug;
  std::string project_slug;
  std::optional<std::string> project_group_slug;
  std::string environment_slug;
  std::optional<std::string> tenant_slug;
  std::string step_slug;
};

/// A Calamari image to mount into the pod [POD-20].
struct calamari_image {
  std::string name;
  std::string version;
};

/// A file that has to be in the workspace before the script starts. `name` is
/// relative to the workspace. With a password the file is stored encrypted
/// [WS-05].
struct script_file {
  std::string name;
  received_stream contents;
  std::optional<std::string> encryption_password;
};

/// The request to run a script, with every member of
/// `StartKubernetesScriptCommandV1`.
struct start_script {
  /// When the whole request was there; nothing for one that was kept on the
  /// volume.
  std::optional<std::chrono::steady_clock::time_point> arrived;
  bool raw = false;
  std::string script_body;
  std::string task_id;
  script_ticket ticket;
  isolation_level isolation = isolation_level::none;
  /// Zero means "no limit".
  std::chrono::milliseconds isolation_timeout{0};
  std::string isolation_mutex_name;
  std::optional<pod_image> image;
  /// Alternative bodies by script type; only `bash` matters here [WS-01].
  std::optional<std::string> bash_body;
  std::vector<script_file> files;
  std::vector<std::string> arguments;
  std::optional<std::string> service_account;
  std::optional<auth_context> auth;
  /// `<os>-<arch>`, as received [POD-17].
  std::optional<std::string> platform;
  std::optional<calamari_image> calamari;

  /// The text to run: `bash_body` if there is one, else `script_body`.
  const std::string& body() const {
    return bash_body ? *bash_body : script_body;
  }
};

/// Asks for state and for the lines after `last_sequence`.
struct get_status {
  script_ticket ticket;
  std::int64_t last_sequence = 0;
};

/// Ends a script; answered like `get_status`.
struct cancel_script {
  script_ticket ticket;
  std::int64_t last_sequence = 0;
};

/// Removes everything of a script.
struct complete_script {
  script_ticket ticket;
};

/// The answer to start, status and cancel.
struct script_status {
  script_ticket ticket;
  std::vector<output_line> lines;
  std::int64_t next_sequence = 0;
  process_state state = process_state::pending;
  std::int32_t exit_code = 0;
};

} // namespace cuttle
