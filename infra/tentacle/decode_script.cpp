#include "infra/tentacle/decode.hpp"

namespace cuttle::tentacle {

namespace {

using scope = decode_context::scope;

// Reads a member by its name: the first call with the member's name does it.
class member_switch {
public:
  explicit member_switch(const element& member) : member_(member) {}

  template <class Read>
  void operator()(std::string_view name, Read&& read) {
    if (done_ || !member_.named(name))
      return;
    done_ = true;
    scope at{member_.context(), name};
    read();
  }

private:
  const element& member_;
  bool done_ = false;
};

void decode_ticket(const element& value, script_ticket& ticket) {
  value.each_member([&](const element& member) {
    member_switch on{member};
    on("TaskId", [&] { ticket.task_id = member.text(); });
  });
}

// A call without ticket means nothing.
void require_ticket(const element& parameter, const script_ticket& ticket) {
  scope at{parameter.context(), "ScriptTicket"};
  if (ticket.task_id.empty())
    parameter.context().mismatch("must have a TaskId");
}

std::int64_t decode_sequence(const element& value) {
  auto result = value.integer();
  if (result < 0)
    value.context().mismatch("must not be negative");
  return result;
}

std::chrono::milliseconds decode_timeout(const element& value) {
  using std::chrono::milliseconds;
  auto time = value.time_span();
  // .NET's own way to say "infinite".
  if (time == milliseconds{-1})
    return milliseconds{0};
  if (time < ticks::zero())
    value.context().mismatch("must not be negative");
  // Rounded up: what is not zero must not become "no limit".
  return std::chrono::ceil<milliseconds>(time);
}

isolation_level decode_isolation(const element& value) {
  return static_cast<isolation_level>(value.enumeration(
    {{"NoIsolation", static_cast<std::int32_t>(isolation_level::none)},
     {"FullIsolation", static_cast<std::int32_t>(isolation_level::full)}}));
}

std::optional<pod_image> decode_image(const element& value) {
  if (value.is_null())
    return std::nullopt;
  pod_image result;
  value.each_member([&](const element& member) {
    member_switch on{member};
    on("Image", [&] { result.image = member.nullable_text(); });
    on("FeedUrl", [&] { result.feed_url = member.nullable_text(); });
    on("FeedUsername", [&] { result.feed_username = member.nullable_text(); });
    on("FeedPassword", [&] { result.feed_password = member.nullable_text(); });
  });
  return result;
}

// The keys are names or numbers of script types; those of other shells are of
// no use here.
std::optional<std::string> decode_bash_body(const element& value) {
  std::optional<std::string> result;
  if (value.is_null())
    return result;
  value.each_member([&](const element& member) {
    scope at{member.context(), "script"};
    if (member.named("Bash") || member.name() == "1")
      result = member.nullable_text();
  });
  return result;
}

script_file decode_script_file(const element& value, stream_resolver& streams) {
  script_file result;
  value.each_member([&](const element& member) {
    member_switch on{member};
    on("Name", [&] { result.name = member.text(); });
    on("Contents", [&] { result.contents = streams.resolve(member); });
    on("EncryptionPassword",
       [&] { result.encryption_password = member.nullable_text(); });
  });
  if (result.name.empty())
    value.context().mismatch("must have a Name");
  if (result.contents == nullptr)
    value.context().mismatch("must have Contents");
  return result;
}

std::vector<script_file> decode_files(const element& value,
                                      stream_resolver& streams) {
  std::vector<script_file> result;
  if (!value.is_null())
    value.each_element(max_files, "files", [&](const element& file) {
      result.push_back(decode_script_file(file, streams));
    });
  return result;
}

std::vector<std::string> decode_arguments(const element& value) {
  std::vector<std::string> result;
  if (!value.is_null())
    value.each_element(max_arguments, "arguments", [&](const element& item) {
      auto text = item.text();
      if (text.find('\0') != std::string::npos)
        item.context().mismatch("must not contain NUL");
      result.push_back(std::move(text));
    });
  return result;
}

std::optional<auth_context> decode_auth(const element& value) {
  if (value.is_null())
    return std::nullopt;
  auth_context result;
  value.each_member([&](const element& member) {
    member_switch on{member};
    on("SpaceSlug", [&] { result.space_slug = member.text(); });
    on("ProjectSlug", [&] { result.project_slug = member.text(); });
    on("ProjectGroupSlug",
       [&] { result.project_group_slug = member.nullable_text(); });
    on("EnvironmentSlug", [&] { result.environment_slug = member.text(); });
    on("TenantSlug", [&] { result.tenant_slug = member.nullable_text(); });
    on("StepSlug", [&] { result.step_slug = member.text(); });
  });
  return result;
}

std::optional<calamari_image> decode_calamari(const element& value) {
  if (value.is_null())
    return std::nullopt;
  calamari_image result;
  value.each_member([&](const element& member) {
    member_switch on{member};
    on("Name", [&] { result.name = member.text(); });
    on("Version", [&] { result.version = member.text(); });
  });
  return result;
}

template <class Request>
Request decode_ticket_and_sequence(const element& parameter) {
  Request result;
  parameter.each_member([&](const element& member) {
    member_switch on{member};
    on("ScriptTicket", [&] { decode_ticket(member, result.ticket); });
    on("LastLogSequence",
       [&] { result.last_sequence = decode_sequence(member); });
  });
  require_ticket(parameter, result.ticket);
  return result;
}

} // namespace

start_script decode_start(const element& parameter, stream_resolver& streams) {
  start_script result;
  parameter.each_member([&](const element& member) {
    member_switch on{member};
    on("IsRawScript", [&] { result.raw = member.boolean(); });
    on("ScriptBody", [&] { result.script_body = member.text(); });
    on("TaskId", [&] { result.task_id = member.text(); });
    on("ScriptTicket", [&] { decode_ticket(member, result.ticket); });
    on("Isolation", [&] { result.isolation = decode_isolation(member); });
    on("ScriptIsolationMutexTimeout",
       [&] { result.isolation_timeout = decode_timeout(member); });
    on("IsolationMutexName",
       [&] { result.isolation_mutex_name = member.text(); });
    on("PodImageConfiguration", [&] { result.image = decode_image(member); });
    on("Scripts", [&] { result.bash_body = decode_bash_body(member); });
    on("Files", [&] { result.files = decode_files(member, streams); });
    on("Arguments", [&] { result.arguments = decode_arguments(member); });
    on("ScriptPodServiceAccountName",
       [&] { result.service_account = member.nullable_text(); });
    on("AuthContext", [&] { result.auth = decode_auth(member); });
    on("ScriptPodPlatform", [&] { result.platform = member.nullable_text(); });
    on("CalamariImageConfiguration",
       [&] { result.calamari = decode_calamari(member); });
  });
  require_ticket(parameter, result.ticket);
  return result;
}

get_status decode_status(const element& parameter) {
  return decode_ticket_and_sequence<get_status>(parameter);
}

cancel_script decode_cancel(const element& parameter) {
  return decode_ticket_and_sequence<cancel_script>(parameter);
}

complete_script decode_complete(const element& parameter) {
  complete_script result;
  parameter.each_member([&](const element& member) {
    member_switch on{member};
    on("ScriptTicket", [&] { decode_ticket(member, result.ticket); });
  });
  require_ticket(parameter, result.ticket);
  return result;
}

} // namespace cuttle::tentacle
