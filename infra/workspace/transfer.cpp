#include "infra/workspace/transfer.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace cuttle::workspace {

namespace fs = std::filesystem;

namespace {

struct digest_and_length {
  std::string sha1;
  std::int64_t length = 0;
};

digest_and_length digest_of(volume_call& call, const stream_body& from) {
  if (from.file.empty()) {
    crypto::sha1_stream digest;
    digest.update(crypto::as_bytes(from.bytes));
    return {digest.finish(), static_cast<std::int64_t>(from.bytes.size())};
  }
  // (hashed when it came; that it is whole is still to be seen)
  struct stat info;
  call("look at", from.file, [&] { return ::stat(from.file.c_str(), &info); });
  return {from.sha1, info.st_size};
}

} // namespace

outcome<fs::path> resolve_remote(const fs::path& home,
                                 std::string_view remote) {
  if (remote.empty() || remote.find('\0') != std::string_view::npos)
    return fail(errc::invalid_request, "The remote path names no file.");
  std::string text{remote};
  for (auto& c : text)
    if (c == '\\')
      c = '/';
  auto result = (home / fs::path{text}).lexically_normal();
  if (!result.has_filename())
    return fail(errc::invalid_request,
                "The remote path '" + text + "' names a folder, not a file.");
  return result;
}

outcome<uploaded_file> store_upload(volume_call& call, const fs::path& home,
                                    upload_file& request,
                                    const volume_space& space) {
  auto path = resolve_remote(home, request.remote_path);
  if (!path)
    return tl::unexpected<failure>(path.error());
  uploaded_file result;
  result.full_path = path->string();
  if (!request.contents)
    return result;
  auto& contents = *request.contents;
  auto required = required_for_upload(contents.length);
  auto spooled = contents.file.empty()
                   ? std::uint64_t{0}
                   : static_cast<std::uint64_t>(contents.length);
  if (space.free_bytes + spooled < required)
    return tl::unexpected<failure>(
      no_space(required, space.free_bytes + spooled));
  auto digest = digest_of(call, contents);
  if (digest.length != contents.length)
    return fail(errc::io_error,
                "The upload to '" + result.full_path + "' has "
                  + std::to_string(digest.length) + " bytes instead of "
                  + std::to_string(contents.length) + "; nothing was stored.");
  auto folder = make_folder(call, path->parent_path(), folder_mode);
  place_stream(call, contents, folder.get(), path->filename().string(),
               file_mode, *path);
  result.sha1 = std::move(digest.sha1);
  result.length = digest.length;
  return result;
}

outcome<downloaded_file> open_download(volume_call& call, const fs::path& home,
                                       const download_file& request) {
  auto path = resolve_remote(home, request.remote_path);
  if (!path)
    return tl::unexpected<failure>(path.error());
  auto number = -1;
  // A named pipe must not hang the thread, hence O_NONBLOCK.
  auto missing = call.attempt(
    "open", *path,
    [&] {
      number
        = ::open(path->c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
      return number;
    },
    [](int error) { return error == ENOENT || error == ENOTDIR; });
  if (missing != 0)
    return downloaded_file{};
  descriptor file{number};
  struct stat info;
  call("look at", *path, [&] { return ::fstat(file.get(), &info); });
  if (!S_ISREG(info.st_mode))
    return fail(errc::invalid_request,
                path->string() + " is not a file that can be read.");
  std::unique_ptr<stream_source> source{new stream_source};
  source->length = info.st_size;
  source->descriptor = file.release();
  return downloaded_file{
    outgoing_stream{source.release(), [](stream_source* done) {
                      if (done->descriptor >= 0)
                        ::close(done->descriptor);
                      delete done;
                    }}};
}

} // namespace cuttle::workspace
