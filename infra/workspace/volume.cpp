#include "infra/workspace/volume.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <vector>

namespace cuttle::workspace {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t piece_size = 256 * 1024;
constexpr int folder_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

auto is(int code) {
  return [code](int error) { return error == code; };
}

descriptor create(volume_call& call, int parent, const std::string& name,
                  unsigned mode, const fs::path& shown) {
  descriptor result{call("create", shown, [&] {
    return ::openat(parent, name.c_str(),
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  })};
  // The mode is meant, whatever the umask.
  call("set the mode of", shown, [&] { return ::fchmod(result.get(), mode); });
  return result;
}

void write_all(volume_call& call, int file, crypto::byte_span data,
               const fs::path& shown) {
  while (!data.empty()) {
    auto size = call("write", shown,
                     [&] { return ::write(file, data.data(), data.size()); });
    data = data.subspan(static_cast<std::size_t>(size));
  }
}

// Network volumes report a full disk, and writes that failed, when a file is
// closed. That is never tried again: the descriptor is gone in any case.
void close_written(descriptor file, const fs::path& shown) {
  if (::close(file.release()) != 0 && errno != EINTR)
    throw std::system_error(errno, std::generic_category(),
                            "write " + shown.string());
}

// Runs `write` for a new file and moves it to its name; leaves nothing when
// that fails.
template <class F>
void replace(volume_call& call, int parent, const std::string& name,
             const fs::path& shown, F write) {
  auto temporary = temporary_name();
  try {
    write(temporary);
    call("rename", shown, [&] {
      return ::renameat(parent, temporary.c_str(), parent, name.c_str());
    });
  } catch (...) {
    ::unlinkat(parent, temporary.c_str(), 0);
    throw;
  }
}

struct closedir_deleter {
  void operator()(DIR* folder) const {
    ::closedir(folder);
  }
};

} // namespace

fs::path trash_directory(const fs::path& home) {
  return home / ".cuttle" / "trash";
}

fs::path runner_cache(const fs::path& home) {
  return home / ".cuttle" / "runner";
}

fs::path spool_directory(const fs::path& home) {
  return home / ".cuttle" / "spool";
}

std::string temporary_name() {
  std::array<std::uint8_t, 12> random;
  crypto::random_bytes(random);
  return ".cuttle-" + crypto::to_hex(random);
}

descriptor make_folder(volume_call& call, const fs::path& path, unsigned mode) {
  auto made = call.attempt(
    "create the folder", path, [&] { return ::mkdir(path.c_str(), mode); },
    [](int error) { return error == EEXIST || error == ENOENT; });
  if (made == ENOENT) {
    if (!path.has_parent_path() || path.parent_path() == path)
      throw std::system_error(ENOENT, std::generic_category(),
                              "create the folder " + path.string());
    make_folder(call, path.parent_path(), folder_mode);
    return make_folder(call, path, mode);
  }
  descriptor result{call("open the folder", path, [&] {
    return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  })};
  if (made == 0)
    call("set the mode of", path, [&] { return ::fchmod(result.get(), mode); });
  return result;
}

descriptor folder_in(volume_call& call, int parent, const std::string& name,
                     const fs::path& shown, bool* created) {
  auto made = call.attempt(
    "create the folder", shown,
    [&] { return ::mkdirat(parent, name.c_str(), folder_mode); }, is(EEXIST));
  if (created != nullptr)
    *created = made == 0;
  descriptor result{call("open the folder", shown, [&] {
    return ::openat(parent, name.c_str(), folder_flags);
  })};
  // Keeps a set-group-id bit, which hands the volume's group down.
  struct stat info;
  if (made == 0 && call("look at", shown, [&] {
                     return ::fstat(result.get(), &info);
                   }) == 0)
    call("set the mode of", shown, [&] {
      return ::fchmod(result.get(), folder_mode | (info.st_mode & S_ISGID));
    });
  return result;
}

void write_new(volume_call& call, int parent, const std::string& name,
               std::string_view content, unsigned mode, const fs::path& shown) {
  auto file = create(call, parent, name, mode, shown);
  write_all(call, file.get(), crypto::as_bytes(content), shown);
  close_written(std::move(file), shown);
}

void write_file(volume_call& call, int parent, const std::string& name,
                std::string_view content, unsigned mode,
                const fs::path& shown) {
  replace(call, parent, name, shown, [&](const std::string& temporary) {
    write_new(call, parent, temporary, content, mode, shown);
  });
}

void copy_new(volume_call& call, const fs::path& from, int parent,
              const std::string& name, unsigned mode, const fs::path& shown) {
  descriptor source{call(
    "open", from, [&] { return ::open(from.c_str(), O_RDONLY | O_CLOEXEC); })};
  auto file = create(call, parent, name, mode, shown);
  read_all(call, source.get(), from, [&](crypto::byte_span data) {
    write_all(call, file.get(), data, shown);
  });
  close_written(std::move(file), shown);
}

void place_stream(volume_call& call, stream_body& from, int parent,
                  const std::string& name, unsigned mode,
                  const fs::path& shown) {
  if (from.file.empty()) {
    write_file(call, parent, name, from.bytes, mode, shown);
    return;
  }
  call("set the mode of", from.file,
       [&] { return ::chmod(from.file.c_str(), mode); });
  auto spool = from.file;
  auto error = call.attempt(
    "store", shown,
    [&] { return ::renameat(AT_FDCWD, spool.c_str(), parent, name.c_str()); },
    is(EXDEV));
  if (error == 0) {
    from.file.clear();
    return;
  }
  // Another file system; the spool file goes when its owner drops it.
  replace(call, parent, name, shown, [&](const std::string& temporary) {
    copy_new(call, spool, parent, temporary, mode, shown);
  });
}

std::int64_t read_all(volume_call& call, int file, const fs::path& shown,
                      const std::function<void(crypto::byte_span)>& sink) {
  std::vector<std::uint8_t> piece(piece_size);
  std::int64_t result = 0;
  for (;;) {
    auto size = call("read", shown,
                     [&] { return ::read(file, piece.data(), piece.size()); });
    if (size == 0)
      return result;
    result += size;
    sink(crypto::byte_span{piece}.first(static_cast<std::size_t>(size)));
  }
}

file_system_space ask_space(volume_call& call, const fs::path& path) {
  struct statvfs info;
  call("ask for the free space of", path,
       [&] { return ::statvfs(path.c_str(), &info); });
  std::uint64_t block = info.f_frsize;
  return {info.f_blocks * block, info.f_bfree * block, info.f_bavail * block};
}

// Folders are moved up to `parent` before they are entered, so depth costs
// nothing. Read-only folders of our own user are made writable.
void erase_tree(volume_call& call, int parent, const std::string& name,
                const fs::path& shown) {
  std::vector<std::string> folders{name};
  while (!folders.empty()) {
    auto current = std::move(folders.back());
    folders.pop_back();
    auto number = -1;
    auto error = call.attempt(
      "open the folder", shown,
      [&] {
        number = ::openat(parent, current.c_str(), folder_flags);
        return number;
      },
      [](int code) {
        return code == ENOENT || code == ENOTDIR || code == ELOOP;
      });
    if (error == ENOENT)
      continue;
    if (error != 0) {
      call("remove", shown,
           [&] { return ::unlinkat(parent, current.c_str(), 0); });
      continue;
    }
    descriptor folder{number};
    ::fchmod(folder.get(), private_mode);
    for (const auto& entry : names_in(call, folder.get(), shown)) {
      auto kind = call.attempt(
        "remove", shown / entry,
        [&] { return ::unlinkat(folder.get(), entry.c_str(), 0); },
        [](int code) { return code == ENOENT || code == EISDIR; });
      if (kind != EISDIR)
        continue;
      descriptor inner{::openat(folder.get(), entry.c_str(), folder_flags)};
      if (inner.get() >= 0)
        ::fchmod(inner.get(), private_mode);
      auto moved = temporary_name();
      call.attempt(
        "move", shown / entry,
        [&] {
          return ::renameat(folder.get(), entry.c_str(), parent, moved.c_str());
        },
        is(ENOENT));
      folders.push_back(std::move(moved));
    }
    call.attempt(
      "remove the folder", shown,
      [&] { return ::unlinkat(parent, current.c_str(), AT_REMOVEDIR); },
      is(ENOENT));
  }
}

std::vector<std::string> names_in(volume_call& call, int folder,
                                  const fs::path& shown) {
  descriptor own{call("read the folder", shown,
                      [&] { return ::openat(folder, ".", folder_flags); })};
  std::unique_ptr<DIR, closedir_deleter> listing{::fdopendir(own.get())};
  if (!listing)
    throw std::system_error(errno, std::generic_category(),
                            "read the folder " + shown.string());
  own.release();
  std::vector<std::string> result;
  while (auto* entry = ::readdir(listing.get())) {
    std::string name = entry->d_name;
    if (name != "." && name != "..")
      result.push_back(std::move(name));
  }
  return result;
}

} // namespace cuttle::workspace
