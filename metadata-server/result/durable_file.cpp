#include "result/durable_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "result/file_descriptor.hpp"

namespace muster {

Result<void> write_all(int descriptor, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail_errno(errno, fmt::format("writing '{}'", path));
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> sync_path(const std::string& path) {
  const FileDescriptor opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!opened.is_open()) return fail_errno(errno, fmt::format("opening '{}'", path));
  if (::fsync(opened.get()) != 0) return fail_errno(errno, fmt::format("syncing '{}'", path));
  return {};
}

Result<void> sync_folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  return sync_path(folder.empty() ? "." : folder.string());
}

Result<void> move_into_place(const std::string& from, const std::string& to) {
  if (auto synced = sync_path(from); !synced) return synced;
  if (::rename(from.c_str(), to.c_str()) != 0)
    return fail_errno(errno, fmt::format("renaming '{}' to '{}'", from, to));
  return sync_folder_of(to);
}

}  // namespace muster
