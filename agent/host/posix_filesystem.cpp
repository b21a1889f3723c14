#include "agent/host/posix_filesystem.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "agent/host/account.hpp"
#include "pki/signature.hpp"
#include "result/durable_file.hpp"
#include "result/file_descriptor.hpp"

namespace muster {
namespace {

Result<void> set_attributes(int descriptor, std::uint32_t mode, const Account& owner,
                            const std::string& path) {
  struct stat now {};
  if (fstat(descriptor, &now) != 0) return fail_errno(errno, fmt::format("reading '{}'", path));
  if (now.st_uid != owner.user || now.st_gid != owner.group) {
    if (fchown(descriptor, owner.user, owner.group) != 0) {
      return fail_errno(errno, fmt::format("changing the owner of '{}'", path));
    }
  }
  // After the chown, which clears set-id bits.
  if ((now.st_mode & 07777u) != mode && fchmod(descriptor, mode) != 0) {
    return fail_errno(errno, fmt::format("changing the mode of '{}'", path));
  }
  return {};
}

// Of a run that was killed; whatever else has that name is nobody's.
Result<void> remove_temporary(const std::string& path) {
  if (unlink(path.c_str()) == 0 || errno == ENOENT) return {};
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return fail_errno(error.value(), fmt::format("removing '{}'", path));
  return {};
}

// Calls `sink` with each piece of the file.
template <class Sink>
Result<void> read_pieces(const std::string& path, std::size_t piece, Sink sink) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file.is_open()) return fail_errno(errno, fmt::format("opening '{}'", path));
  std::string buffer(piece, '\0');
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, fmt::format("reading '{}'", path));
    if (got == 0) return {};
    if (!sink(std::string_view(buffer.data(), static_cast<std::size_t>(got)))) return {};
  }
}

Result<void> fill_in_place(const std::string& path, std::string_view content) {
  const FileDescriptor file(open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.is_open()) return fail_errno(errno, fmt::format("opening '{}'", path));
  if (auto wrote = write_all(file.get(), content, path); !wrote) return wrote;
  if (ftruncate(file.get(), static_cast<off_t>(content.size())) != 0 || fsync(file.get()) != 0) {
    return fail_errno(errno, fmt::format("writing '{}'", path));
  }
  return {};
}

}  // namespace

Result<std::string> PosixFilesystem::read(const std::string& path, std::size_t limit) const {
  std::string content;
  auto done = read_pieces(path, 16384, [&](std::string_view piece) {
    content.append(piece);
    return content.size() <= limit;
  });
  if (!done) return pass(done.error());
  if (content.size() > limit) {
    return fail(ErrorKind::exhausted,
                fmt::format("'{}': expected at most {} bytes, found more", path, limit));
  }
  return content;
}

Result<FileStatus> PosixFilesystem::status(const std::string& path) const {
  struct stat found {};
  if (lstat(path.c_str(), &found) != 0) return fail_errno(errno, fmt::format("'{}'", path));
  FileStatus status;
  status.mode = found.st_mode & 07777u;
  status.owner = user_name(found.st_uid);
  status.group = group_name(found.st_gid);
  status.size = static_cast<std::uint64_t>(found.st_size);
  status.inode = found.st_ino;
  status.device = found.st_dev;
  status.modified_ns = found.st_mtim.tv_sec * 1'000'000'000 + found.st_mtim.tv_nsec;
  status.changed_ns = found.st_ctim.tv_sec * 1'000'000'000 + found.st_ctim.tv_nsec;
  if (S_ISREG(found.st_mode)) {
    status.type = FileStatus::Type::file;
  } else if (S_ISDIR(found.st_mode)) {
    status.type = FileStatus::Type::directory;
  } else if (S_ISLNK(found.st_mode)) {
    status.type = FileStatus::Type::link;
    std::string target(4096, '\0');
    const ssize_t length = readlink(path.c_str(), target.data(), target.size());
    if (length < 0) return fail_errno(errno, fmt::format("reading link '{}'", path));
    status.link_target = target.substr(0, static_cast<std::size_t>(length));
  } else {
    status.type = FileStatus::Type::other;
  }
  return status;
}

Result<std::vector<std::string>> PosixFilesystem::list(const std::string& directory) const {
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(opendir(directory.c_str()), closedir);
  if (!stream) return fail_errno(errno, fmt::format("listing '{}'", directory));
  std::vector<std::string> names;
  while (const dirent* entry = readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::string> PosixFilesystem::digest(const std::string& path) const {
  DigestStream stream;
  auto done = read_pieces(path, 1u << 18, [&](std::string_view piece) {
    stream.update(piece);
    return true;
  });
  if (!done) return pass(done.error());
  return stream.finish();
}

Result<void> PosixFilesystem::write(const std::string& path, std::string_view content,
                                    std::uint32_t mode, const std::string& owner) {
  auto account = find_account(owner);
  if (!account) return while_doing(account.error(), fmt::format("writing '{}'", path));
  // One name, so that the next run takes away what a killed one left (run_lock.hpp: one at a time).
  const std::string temporary = path + ".muster-new";
  if (auto gone = remove_temporary(temporary); !gone) return gone;
  const FileDescriptor file(
      open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.is_open()) return fail_errno(errno, fmt::format("creating '{}'", temporary));
  const auto fill = [&]() -> Result<void> {
    if (auto set = set_attributes(file.get(), mode, *account, path); !set) return set;
    if (auto wrote = write_all(file.get(), content, path); !wrote) return wrote;
    if (fsync(file.get()) != 0) return fail_errno(errno, fmt::format("syncing '{}'", path));
    if (::rename(temporary.c_str(), path.c_str()) == 0) return {};
    // A file that is a mount of its own, as a container's /etc/hosts, keeps its inode.
    if (errno == EBUSY) return fill_in_place(path, content);
    return fail_errno(errno, fmt::format("renaming '{}' to '{}'", temporary, path));
  };
  auto filled = fill();
  unlink(temporary.c_str());  // where it has not become the file
  if (!filled) return filled;
  return sync_folder_of(path);
}

Result<void> PosixFilesystem::append(const std::string& path, std::string_view bytes) {
  const FileDescriptor file(
      open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.is_open()) return fail_errno(errno, fmt::format("opening '{}'", path));
  return write_all(file.get(), bytes, path);
}

Result<void> PosixFilesystem::finish(const std::string& path, std::uint32_t mode,
                                     const std::string& owner) {
  auto account = find_account(owner);
  if (!account) return while_doing(account.error(), fmt::format("finishing '{}'", path));
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.is_open()) return fail_errno(errno, fmt::format("opening '{}'", path));
  if (auto set = set_attributes(file.get(), mode, *account, path); !set) return set;
  if (fsync(file.get()) != 0) return fail_errno(errno, fmt::format("syncing '{}'", path));
  return {};
}

Result<void> PosixFilesystem::make_directory(const std::string& path, std::uint32_t mode,
                                             const std::string& owner) {
  auto account = find_account(owner);
  if (!account) return while_doing(account.error(), fmt::format("making folder '{}'", path));
  bool made = false;
  for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    const std::string step = path.substr(0, at);
    if (mkdir(step.c_str(), 0755) == 0) {
      made = true;
    } else if (errno != EEXIST) {
      return fail_errno(errno, fmt::format("making folder '{}'", step));
    }
    if (at == std::string::npos) break;
  }
  const FileDescriptor directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.is_open()) return fail_errno(errno, fmt::format("opening folder '{}'", path));
  if (auto set = set_attributes(directory.get(), mode, *account, path); !set) return set;
  if (!made) return {};
  return sync_folder_of(path);
}

Result<void> PosixFilesystem::link(const std::string& path, const std::string& target) {
  const auto now = status(path);
  if (now && now->type == FileStatus::Type::link && now->link_target == target) return {};
  const std::string temporary = path + ".muster-new";
  if (auto gone = remove_temporary(temporary); !gone) return gone;
  if (symlink(target.c_str(), temporary.c_str()) != 0) {
    return fail_errno(errno, fmt::format("making link '{}'", temporary));
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    unlink(temporary.c_str());
    return fail_errno(error, fmt::format("switching link '{}' to '{}'", path, target));
  }
  return sync_folder_of(path);
}

Result<void> PosixFilesystem::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    return fail_errno(errno, fmt::format("renaming '{}' to '{}'", from, to));
  }
  return sync_folder_of(to);
}

Result<void> PosixFilesystem::replace_directory(const std::string& from, const std::string& to) {
  // Both change places at once. Not so for a folder that an overlay has from a lower layer
  // (EXDEV, kernel: Documentation/filesystems/overlayfs.rst), nor on old file systems: what is
  // there is then taken away first.
  if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE) == 0) {
    if (auto synced = sync_folder_of(to); !synced) return synced;
    return remove(from);
  }
  const bool may_go_otherwise =
      errno == ENOENT || errno == EXDEV || errno == EINVAL || errno == ENOSYS;
  if (!may_go_otherwise) {
    return fail_errno(errno, fmt::format("putting '{}' in the place of '{}'", from, to));
  }
  if (auto removed = remove(to); !removed) return removed;
  return rename(from, to);
}

Result<void> PosixFilesystem::remove(const std::string& path) {
  std::error_code error;
  const auto removed = std::filesystem::remove_all(path, error);
  if (error) return fail_errno(error.value(), fmt::format("removing '{}'", path));
  if (removed == 0) return {};
  return sync_folder_of(path);
}

Result<FreeSpace> PosixFilesystem::space(const std::string& path) const {
  struct statvfs found {};
  struct stat status {};
  if (::statvfs(path.c_str(), &found) != 0 || ::stat(path.c_str(), &status) != 0) {
    return fail_errno(errno, "file system of '" + path + "'");
  }
  FreeSpace space;
  space.free = std::uint64_t{found.f_bavail} * found.f_frsize;
  space.size = std::uint64_t{found.f_blocks} * found.f_frsize;
  // Some file systems make files as long as there are bytes, and count none.
  space.free_files = found.f_files == 0 ? 1 : found.f_favail;
  space.device = status.st_dev;
  return space;
}

}  // namespace muster
