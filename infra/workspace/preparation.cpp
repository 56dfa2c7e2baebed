#include "infra/workspace/preparation.hpp"

#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

#include "infra/runner_link/wire.hpp"
#include "infra/workspace/link_files.hpp"
#include "infra/workspace/safe_name.hpp"

namespace cuttle::workspace {

namespace fs = std::filesystem;

namespace {

constexpr auto* body_name = "Bootstrap.sh";
constexpr auto* key_name = "keyfile";

// An encrypted file is held in memory as a whole; the server's are variables
// of a few kilobytes.
constexpr std::int64_t largest_encrypted_file = 256 * 1024 * 1024;

// The content of a stream, whose spool file is removed: a text that is to be
// encrypted must not stay on the volume.
std::string take_content(volume_call& call, stream_body& from) {
  if (from.file.empty())
    return std::move(from.bytes);
  std::string result;
  {
    descriptor file{call("open", from.file, [&] {
      return ::open(from.file.c_str(), O_RDONLY | O_CLOEXEC);
    })};
    result.reserve(static_cast<std::size_t>(from.length));
    read_all(call, file.get(), from.file, [&](crypto::byte_span data) {
      result.append(reinterpret_cast<const char*>(data.data()), data.size());
    });
  }
  call("remove", from.file, [&] { return ::unlink(from.file.c_str()); });
  from.file.clear();
  return result;
}

void write_script_file(volume_call& call, script_file& file, int folder,
                       const std::string& name, const fs::path& shown) {
  if (!file.encryption_password) {
    place_stream(call, *file.contents, folder, name, file_mode, shown);
    return;
  }
  auto text = take_content(call, *file.contents);
  std::array<std::uint8_t, 16> iv;
  crypto::random_bytes(iv);
  auto sealed = crypto::encrypt_script_file(*file.encryption_password,
                                            crypto::as_bytes(text), iv);
  std::string_view view{reinterpret_cast<const char*>(sealed.data()),
                        sealed.size()};
  write_file(call, folder, name, view, file_mode, shown);
}

} // namespace

std::string normalised_body(std::string_view body) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  if (body.substr(0, mark.size()) == mark)
    body.remove_prefix(mark.size());
  std::string result;
  result.reserve(body.size());
  for (std::size_t i = 0; i < body.size(); ++i)
    if (body[i] != '\r' || i + 1 == body.size() || body[i + 1] != '\n')
      result += body[i];
  return result;
}

outcome<void> check_command(const start_script& command,
                            const std::vector<std::string>& runner_names) {
  if (!command.ticket.valid())
    return fail(errc::invalid_request,
                "The script ticket can not be used as the name of a folder.");
  for (const auto& file : command.files) {
    auto parts = safe_parts(file.name);
    if (!parts)
      return tl::unexpected<failure>(parts.error());
    if (parts->size() == 1
        && (parts->front() == body_name || parts->front() == key_name
            || parts->front() == runner_link::address_file
            || parts->front() == runner_link::lines_file
            || std::find(runner_names.begin(), runner_names.end(),
                         parts->front())
                 != runner_names.end()))
      return fail(errc::invalid_request,
                  "The file name '" + file.name
                    + "' is refused: the worker has a file of that name.");
    if (!file.contents)
      return fail(errc::invalid_request,
                  "The file '" + file.name + "' came without content.");
    if (file.encryption_password
        && file.contents->length > largest_encrypted_file)
      return fail(errc::invalid_request,
                  "The file '" + file.name + "' is to be encrypted and has "
                    + std::to_string(file.contents->length) + " bytes; at most "
                    + std::to_string(largest_encrypted_file)
                    + " can be encrypted.");
  }
  return {};
}

outcome<void> write_workspace(volume_call& call, int work,
                              const fs::path& shown, start_script& command,
                              const crypto::log_key& key, runner_files& runner,
                              const std::string& link_address, bool& created) {
  auto folder = folder_in(call, work, command.ticket.task_id, shown, &created);
  // First, because the cleaner knows a workspace by it [WS-09].
  write_file(call, folder.get(), body_name, normalised_body(command.body()),
             file_mode, shown / body_name);
  for (auto& file : command.files) {
    auto parts = safe_parts(file.name);
    if (!parts)
      return tl::unexpected<failure>(parts.error());
    auto path = shown;
    descriptor inner;
    for (std::size_t i = 0; i + 1 < parts->size(); ++i) {
      path /= (*parts)[i];
      inner = folder_in(call, i == 0 ? folder.get() : inner.get(), (*parts)[i],
                        path);
    }
    auto parent = parts->size() == 1 ? folder.get() : inner.get();
    write_script_file(call, file, parent, parts->back(), path / parts->back());
  }
  write_file(call, folder.get(), key_name, crypto::to_base64(key.value),
             file_mode, shown / key_name);
  if (!link_address.empty())
    write_link_file(call, folder.get(), link_address, shown);
  runner.place(call, folder.get(), shown);
  return {};
}

} // namespace cuttle::workspace
