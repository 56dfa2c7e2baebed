#include "infra/workspace/runner_files.hpp"

#include <algorithm>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace cuttle::workspace {

namespace fs = std::filesystem;

namespace {

bool same(const struct stat& x, const struct stat& y) {
  return x.st_ino == y.st_ino && x.st_size == y.st_size
         && x.st_mode == y.st_mode && x.st_mtim.tv_sec == y.st_mtim.tv_sec
         && x.st_mtim.tv_nsec == y.st_mtim.tv_nsec;
}

// Errors of `link` that a copy gets around.
bool link_not_possible(int error) {
  return error == EXDEV || error == EPERM || error == EMLINK
         || error == EOPNOTSUPP || error == ENOSYS || error == ENOENT;
}

std::string content_name(volume_call& call, const fs::path& path) {
  descriptor file{call(
    "open", path, [&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC); })};
  crypto::sha1_stream digest;
  read_all(call, file.get(), path,
           [&](crypto::byte_span data) { digest.update(data); });
  return digest.finish();
}

} // namespace

runner_files::runner_files(fs::path source, fs::path cache)
  : source_(std::move(source)), cache_(std::move(cache)) {}

std::vector<std::string> runner_files::names(volume_call& call) {
  std::lock_guard lock{mutex_};
  refresh(call);
  std::vector<std::string> result;
  for (const auto& what : items_)
    result.push_back(what.name);
  return result;
}

void runner_files::place(volume_call& call, int target, const fs::path& shown) {
  std::lock_guard lock{mutex_};
  refresh(call);
  for (auto& what : items_)
    place_item(call, what, target, shown / what.name);
}

void runner_files::drop_unused(volume_call& call) {
  std::lock_guard lock{mutex_};
  refresh(call);
  auto folder = make_folder(call, cache_, private_mode);
  for (const auto& name : names_in(call, folder.get(), cache_)) {
    struct stat info;
    auto used = std::any_of(items_.begin(), items_.end(),
                            [&](const item& x) { return x.cached == name; });
    if (!used
        && ::fstatat(folder.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW)
             == 0
        && info.st_nlink == 1)
      ::unlinkat(folder.get(), name.c_str(), 0);
  }
}

// Looks at the source folder; content is read only where something changed.
void runner_files::refresh(volume_call& call) {
  descriptor folder{call("open the folder", source_, [&] {
    return ::open(source_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  })};
  std::vector<item> found;
  for (auto& name : names_in(call, folder.get(), source_)) {
    item next;
    call("look at", source_ / name, [&] {
      return ::fstatat(folder.get(), name.c_str(), &next.source, 0);
    });
    if (!S_ISREG(next.source.st_mode))
      continue;
    auto known = std::find_if(items_.begin(), items_.end(), [&](const item& x) {
      return x.name == name && same(x.source, next.source);
    });
    if (known != items_.end()) {
      found.push_back(std::move(*known));
      continue;
    }
    next.name = std::move(name);
    next.cached = content_name(call, source_ / next.name);
    found.push_back(std::move(next));
  }
  items_ = std::move(found);
}

bool runner_files::intact(volume_call& call, const item& what) {
  struct stat info;
  auto path = cache_ / what.cached;
  auto error = call.attempt(
    "look at", path, [&] { return ::lstat(path.c_str(), &info); },
    [](int code) { return code == ENOENT || code == ENOTDIR; });
  return error == 0 && same(info, what.copy);
}

void runner_files::make_copy(volume_call& call, item& what) {
  auto folder = make_folder(call, cache_, private_mode);
  auto path = cache_ / what.cached;
  auto temporary = temporary_name();
  try {
    copy_new(call, source_ / what.name, folder.get(), temporary, program_mode,
             path);
    call("look at", path, [&] {
      return ::fstatat(folder.get(), temporary.c_str(), &what.copy,
                       AT_SYMLINK_NOFOLLOW);
    });
    call("rename", path, [&] {
      return ::renameat(folder.get(), temporary.c_str(), folder.get(),
                        what.cached.c_str());
    });
  } catch (...) {
    ::unlinkat(folder.get(), temporary.c_str(), 0);
    throw;
  }
  what.usable = true;
}

void runner_files::place_item(volume_call& call, item& what, int target,
                              const fs::path& shown) {
  // After a restart nothing vouches for the copy, so it is made anew.
  if (!what.usable || !intact(call, what))
    make_copy(call, what);
  auto path = cache_ / what.cached;
  auto temporary = temporary_name();
  try {
    auto error = call.attempt(
      "link", shown,
      [&] {
        return ::linkat(AT_FDCWD, path.c_str(), target, temporary.c_str(), 0);
      },
      link_not_possible);
    if (error != 0)
      copy_new(call, source_ / what.name, target, temporary, program_mode,
               shown);
    call("rename", shown, [&] {
      return ::renameat(target, temporary.c_str(), target, what.name.c_str());
    });
  } catch (...) {
    ::unlinkat(target, temporary.c_str(), 0);
    throw;
  }
  // A rename between two links of one file does nothing.
  ::unlinkat(target, temporary.c_str(), 0);
}

} // namespace cuttle::workspace
