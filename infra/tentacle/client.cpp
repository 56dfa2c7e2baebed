#include "infra/tentacle/client.hpp"

#include <fcntl.h>
#include <stdexcept>
#include <unistd.h>

#include "infra/tentacle/document_writer.hpp"
#include "infra/tentacle/time_text.hpp"
#include "infra/tentacle/type_names.hpp"

namespace cuttle::tentacle {

namespace {

template <class Write>
halibut::outgoing_request request(std::string_view service,
                                  std::string_view method, Write&& write) {
  document_writer writer;
  write(writer);
  auto document = writer.take();
  if (!document)
    throw std::length_error("the request is larger than 2 GiB");
  halibut::outgoing_request result;
  result.service = service;
  result.method = method;
  result.params = std::move(*document);
  return result;
}

void write_ticket(document_writer& out, const script_ticket& ticket) {
  out.document("ScriptTicket", [&] { out.text("TaskId", ticket.task_id); });
}

template <class Request>
halibut::outgoing_request ticket_and_sequence(std::string_view method,
                                              std::string_view type,
                                              const Request& content) {
  return request(script_service, method, [&](document_writer& out) {
    out.document("0", [&] {
      out.text("$type", type);
      write_ticket(out, content.ticket);
      out.int64("LastLogSequence", content.last_sequence);
    });
  });
}

void write_image(document_writer& out, const std::optional<pod_image>& image) {
  if (!image) {
    out.null("PodImageConfiguration");
    return;
  }
  out.document("PodImageConfiguration", [&] {
    out.nullable_text("Image", image->image);
    out.nullable_text("FeedUrl", image->feed_url);
    out.nullable_text("FeedUsername", image->feed_username);
    out.nullable_text("FeedPassword", image->feed_password);
  });
}

void write_auth(document_writer& out, const std::optional<auth_context>& auth) {
  if (!auth) {
    out.null("AuthContext");
    return;
  }
  out.document("AuthContext", [&] {
    out.text("SpaceSlug", auth->space_slug);
    out.text("ProjectSlug", auth->project_slug);
    out.nullable_text("ProjectGroupSlug", auth->project_group_slug);
    out.text("EnvironmentSlug", auth->environment_slug);
    out.nullable_text("TenantSlug", auth->tenant_slug);
    out.text("StepSlug", auth->step_slug);
  });
}

void write_calamari(document_writer& out,
                    const std::optional<calamari_image>& image) {
  if (!image) {
    out.null("CalamariImageConfiguration");
    return;
  }
  out.document("CalamariImageConfiguration", [&] {
    out.text("Name", image->name);
    out.text("Version", image->version);
  });
}

outgoing_stream make_source() {
  return {new stream_source, [](stream_source* source) {
            if (source->descriptor >= 0)
              ::close(source->descriptor);
            delete source;
          }};
}

// What came in for one worker goes out again.
outgoing_stream forward(const received_stream& contents) {
  auto result = make_source();
  if (contents == nullptr)
    return result;
  result->length = contents->length;
  if (contents->file.empty()) {
    result->bytes = contents->bytes;
    return result;
  }
  result->descriptor = ::open(contents->file.c_str(), O_RDONLY | O_CLOEXEC);
  if (result->descriptor < 0)
    throw std::runtime_error("the content of a script file can not be read");
  return result;
}

using id_list = std::vector<std::pair<halibut::guid, outgoing_stream>>;

void write_files(document_writer& out, const std::vector<script_file>& files,
                 const id_list& streams) {
  auto stream = streams.begin();
  out.list(
    "Files", files, [&](const std::string& key, const script_file& file) {
      out.document(key, [&] {
        out.text("Name", file.name);
        out.document("Contents", [&] {
          out.guid("id", stream->first);
          out.int64("length", stream->second->length);
        });
        out.nullable_text("EncryptionPassword", file.encryption_password);
      });
      ++stream;
    });
}

} // namespace

halibut::outgoing_request make_get_capabilities() {
  return request(capabilities_service, "GetCapabilities",
                 [](document_writer&) {});
}

halibut::outgoing_request make_request(const start_script& command) {
  id_list streams;
  for (auto& file : command.files)
    streams.emplace_back(halibut::make_guid(), forward(file.contents));
  auto result
    = request(script_service, "StartScript", [&](document_writer& out) {
        out.document("0", [&] {
          out.text("$type", start_type);
          out.boolean("IsRawScript", command.raw);
          out.text("ScriptBody", command.script_body);
          out.text("TaskId", command.task_id);
          write_ticket(out, command.ticket);
          out.int32("Isolation", static_cast<std::int32_t>(command.isolation));
          out.text("ScriptIsolationMutexTimeout",
                   to_time_span(command.isolation_timeout));
          out.text("IsolationMutexName", command.isolation_mutex_name);
          write_image(out, command.image);
          out.document("Scripts", [&] {
            if (command.bash_body)
              out.text("Bash", *command.bash_body);
          });
          write_files(out, command.files, streams);
          out.list("Arguments", command.arguments,
                   [&](const std::string& key, const std::string& argument) {
                     out.text(key, argument);
                   });
          out.nullable_text("ScriptPodServiceAccountName",
                            command.service_account);
          write_auth(out, command.auth);
          out.nullable_text("ScriptPodPlatform", command.platform);
          write_calamari(out, command.calamari);
        });
      });
  result.streams = std::move(streams);
  return result;
}

halibut::outgoing_request make_request(const get_status& content) {
  return ticket_and_sequence("GetStatus", status_request_type, content);
}

halibut::outgoing_request make_request(const cancel_script& content) {
  return ticket_and_sequence("CancelScript", cancel_type, content);
}

halibut::outgoing_request make_request(const complete_script& content) {
  return request(script_service, "CompleteScript", [&](document_writer& out) {
    out.document("0", [&] {
      out.text("$type", complete_type);
      write_ticket(out, content.ticket);
    });
  });
}

halibut::outgoing_request make_upload(const std::string& remote_path,
                                      halibut::guid id,
                                      outgoing_stream contents) {
  auto result = request(file_service, "UploadFile", [&](document_writer& out) {
    out.text("0", remote_path);
    if (contents == nullptr)
      out.null("1");
    else
      out.document("1", [&] {
        out.text("$type", data_stream_type);
        out.guid("id", id);
        out.int64("length", contents->length);
      });
  });
  if (contents != nullptr)
    result.streams.emplace_back(id, std::move(contents));
  return result;
}

halibut::outgoing_request make_download(const std::string& remote_path) {
  return request(file_service, "DownloadFile",
                 [&](document_writer& out) { out.text("0", remote_path); });
}

} // namespace cuttle::tentacle
