#include "infra/halibut/spool.hpp"

#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "infra/halibut/rpc.hpp"

namespace cuttle::halibut {

namespace {

std::string reason(int error) {
  return std::generic_category().message(error);
}

tl::unexpected<failure> spool_failure(const char* step, int error) {
  return fail(errc::io_error,
              std::string{"cannot "} + step
                + " a spool file for a data stream: " + reason(error));
}

} // namespace

outcome<std::shared_ptr<spool_file>>
spool_file::create(const std::filesystem::path& folder, disk::disk_pool& disk) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  auto path = folder / ("stream-" + to_string(make_guid()));
  auto descriptor
    = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0)
    return spool_failure("create", errno);
  // Closing and removing may hang, so whoever drops the last handle, on
  // whatever thread, leaves that to a disk thread.
  return std::shared_ptr<spool_file>{
    new spool_file{descriptor, std::move(path)}, [&disk](spool_file* file) {
      if (file->descriptor_ >= 0 || !file->path_.empty())
        disk.post([descriptor = file->descriptor_, path = file->path_] {
          if (descriptor >= 0)
            ::close(descriptor);
          if (!path.empty())
            ::unlink(path.c_str());
        });
      delete file;
    }};
}

outcome<void> spool_file::write(std::int64_t offset, std::string_view bytes) {
  digest_.update(crypto::as_bytes(bytes));
  std::size_t done = 0;
  while (done < bytes.size()) {
    auto size = ::pwrite(descriptor_, bytes.data() + done, bytes.size() - done,
                         offset + static_cast<std::int64_t>(done));
    if (size < 0 && errno == EINTR)
      continue;
    if (size <= 0)
      return spool_failure("write", size < 0 ? errno : ENOSPC);
    done += static_cast<std::size_t>(size);
  }
  return {};
}

outcome<void> spool_file::close() {
  if (::close(std::exchange(descriptor_, -1)) != 0)
    return spool_failure("close", errno);
  return {};
}

std::filesystem::path spool_file::release() {
  return std::exchange(path_, {});
}

received_stream make_received(stream_body body, disk::disk_pool& disk) {
  return received_stream{
    new stream_body{std::move(body)}, [&disk](stream_body* x) {
      if (!x->file.empty())
        disk.post([path = std::move(x->file)] { ::unlink(path.c_str()); });
      delete x;
    }};
}

outcome<void> read_source(const stream_source& source, std::int64_t offset,
                          std::span<char> bytes) {
  while (!bytes.empty()) {
    auto got = ::pread(source.descriptor, bytes.data(), bytes.size(), offset);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return fail(errc::io_error,
                  "cannot read the file that is being sent: " + reason(errno));
    if (got == 0)
      return fail(errc::io_error,
                  "the file that is being sent became shorter than announced");
    bytes = bytes.subspan(static_cast<std::size_t>(got));
    offset += got;
  }
  return {};
}

} // namespace cuttle::halibut
