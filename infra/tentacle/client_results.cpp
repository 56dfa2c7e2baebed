#include "infra/tentacle/client.hpp"
#include "infra/tentacle/document_reader.hpp"
#include "infra/tentacle/errors.hpp"
#include "infra/tentacle/type_names.hpp"

namespace cuttle::tentacle {

namespace {

using scope = decode_context::scope;

constexpr std::size_t max_capabilities = 64;
constexpr std::size_t max_lines = 10'000'000;

// The peer's reader compares simple names: what follows the assembly (version,
// culture, key) does not count here.
bool type_matches(std::string_view found, std::string_view expected) {
  return found == expected
         || (found.starts_with(expected)
             && found.substr(expected.size()).starts_with(", "));
}

// The real client rejects an object whose first member is not the right type
// name (`halibut` 10.4), and so do we.
void check_type(const element& result, std::string_view expected,
                std::string_view other = {}) {
  bool first = true;
  bool fits = false;
  result.each_member([&](const element& member) {
    if (std::exchange(first, false) && member.name() == "$type") {
      auto found = member.text();
      fits = type_matches(found, expected)
             || (!other.empty() && type_matches(found, other));
    }
  });
  if (!fits)
    result.context().mismatch("must begin with the $type that belongs to the "
                              "method");
}

failure broken(const decode_context& context) {
  return {errc::protocol_error,
          "The answer can not be understood: " + context.error() + "."};
}

// Calls `read` with the result, or with nothing for null.
template <class T, class Read>
outcome<T> read_result(const halibut::received_response& response,
                       Read&& read) {
  if (response.error)
    return tl::unexpected(from_error(*response.error));
  decode_context context;
  auto elements = elements_of(context, response.result, 1);
  scope at{context, "result"};
  if (!elements.empty() && elements[0].name() != "result")
    context.mismatch("is missing");
  T value{};
  if (!context.failed())
    value
      = read(context, elements.empty() || elements[0].is_null() ? nullptr
                                                                : &elements[0]);
  if (context.failed())
    return tl::unexpected(broken(context));
  return value;
}

output_line read_line(const element& item) {
  output_line result;
  item.each_member([&](const element& member) {
    if (member.named("Source")) {
      scope at{member.context(), "Source"};
      result.source = static_cast<output_source>(
        member.enumeration({{"StdOut", 0}, {"StdErr", 1}, {"Debug", 2}}));
    } else if (member.named("Occurred")) {
      scope at{member.context(), "Occurred"};
      result.occurred = member.date();
    } else if (member.named("Text")) {
      scope at{member.context(), "Text"};
      result.text = member.text();
    }
  });
  return result;
}

void read_status_member(const element& member, script_status& status) {
  if (member.named("ScriptTicket")) {
    scope at{member.context(), "ScriptTicket"};
    member.each_member([&](const element& inner) {
      if (inner.named("TaskId"))
        status.ticket.task_id = inner.text();
    });
  } else if (member.named("Logs")) {
    scope at{member.context(), "Logs"};
    member.each_element(max_lines, "lines", [&](const element& item) {
      status.lines.push_back(read_line(item));
    });
  } else if (member.named("NextLogSequence")) {
    scope at{member.context(), "NextLogSequence"};
    status.next_sequence = member.integer();
  } else if (member.named("State")) {
    scope at{member.context(), "State"};
    status.state = static_cast<process_state>(
      member.enumeration({{"Pending", 0}, {"Running", 1}, {"Complete", 2}}));
  } else if (member.named("ExitCode")) {
    scope at{member.context(), "ExitCode"};
    status.exit_code = member.integer32();
  }
}

} // namespace

outcome<std::vector<std::string>>
read_capabilities(const halibut::received_response& response) {
  using list = std::vector<std::string>;
  return read_result<list>(
    response, [](decode_context& context, const element* result) {
      list names;
      if (result == nullptr) {
        context.mismatch("must not be null");
        return names;
      }
      check_type(*result, capabilities_type);
      result->each_member([&](const element& member) {
        if (!member.named("SupportedCapabilities"))
          return;
        scope at{context, "SupportedCapabilities"};
        member.each_element(
          max_capabilities, "entries",
          [&](const element& item) { names.push_back(item.text()); });
      });
      return names;
    });
}

outcome<script_status> read_status(const halibut::received_response& response) {
  return read_result<script_status>(
    response, [](decode_context& context, const element* result) {
      script_status status;
      if (result == nullptr) {
        context.mismatch("must not be null");
        return status;
      }
      check_type(*result, status_response_type);
      result->each_member(
        [&](const element& member) { read_status_member(member, status); });
      return status;
    });
}

outcome<void> read_nothing(const halibut::received_response& response) {
  auto done = read_result<bool>(
    response, [](decode_context& context, const element* result) {
      if (result != nullptr)
        context.mismatch("must be null");
      return true;
    });
  if (!done)
    return tl::unexpected(done.error());
  return {};
}

outcome<uploaded_file> read_upload(const halibut::received_response& response) {
  return read_result<uploaded_file>(
    response, [](decode_context& context, const element* result) {
      uploaded_file file;
      if (result == nullptr) {
        context.mismatch("must not be null");
        return file;
      }
      check_type(*result, upload_type, upload_type_renamed);
      result->each_member([&](const element& member) {
        if (member.named("FullPath")) {
          scope at{context, "FullPath"};
          file.full_path = member.text();
        } else if (member.named("Hash")) {
          scope at{context, "Hash"};
          file.sha1 = member.nullable_text();
        } else if (member.named("Length")) {
          scope at{context, "Length"};
          file.length = member.integer();
        }
      });
      return file;
    });
}

outcome<received_stream>
read_download(const halibut::received_response& response) {
  return read_result<received_stream>(
    response, [&](decode_context& context, const element* result) {
      received_stream stream;
      if (result == nullptr)
        return stream;
      check_type(*result, data_stream_type);
      std::optional<halibut::guid> id;
      result->each_member([&](const element& member) {
        if (member.named("id"))
          id = member.guid();
      });
      for (auto& entry : response.streams)
        if (id && entry.first == *id)
          stream = entry.second;
      if (stream == nullptr)
        context.mismatch("refers to a data stream that did not come with the "
                         "response");
      return stream;
    });
}

} // namespace cuttle::tentacle
