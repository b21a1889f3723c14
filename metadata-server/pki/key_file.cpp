#include "pki/key_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

namespace muster {
namespace {

// The entry of a new file survives a crash only with its folder.
Result<void> sync_folder_of(const std::string& path) {
  const auto parent = std::filesystem::path(path).parent_path();
  const std::string folder = parent.empty() ? "." : parent.string();
  const int opened = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const int synced = opened < 0 ? -1 : ::fsync(opened);
  const int error = errno;
  if (opened >= 0) ::close(opened);
  if (synced != 0) return fail_errno(error, fmt::format("syncing '{}'", folder));
  return {};
}

}  // namespace

Result<NewKeyFile> NewKeyFile::create(const std::string& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0 && errno == EEXIST) {
    return fail(ErrorKind::conflict,
                fmt::format("'{}': is there already; a key is never overwritten", path));
  }
  if (file < 0) return fail_errno(errno, fmt::format("creating '{}'", path));
  NewKeyFile made(path, file);
  if (auto synced = sync_folder_of(path); !synced) return pass(synced.error());
  return made;
}

NewKeyFile::NewKeyFile(NewKeyFile&& other) noexcept
    : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)) {}

NewKeyFile::~NewKeyFile() {
  if (file_ < 0) return;
  ::close(file_);
  ::unlink(path_.c_str());
}

Result<void> NewKeyFile::write(const PrivateKey& key) {
  const std::string text = key.pem();
  // A file of a hundred bytes is written at once or not at all.
  if (::write(file_, text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::fsync(file_) != 0) {
    return fail_errno(errno, fmt::format("writing '{}'", path_));
  }
  ::close(std::exchange(file_, -1));
  return {};
}

Result<PrivateKey> read_key_file(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return fail_errno(errno, fmt::format("'{}'", path));
  if ((found.st_mode & 077U) != 0) {
    return fail(ErrorKind::forbidden,
                fmt::format("'{}': expected mode 0600 or stricter, found {:04o}. Run: chmod 600 {}",
                            path, found.st_mode & 07777U, path));
  }
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  auto key = PrivateKey::from_pem(text.str());
  if (!key) return context(key.error(), fmt::format("'{}'", path));
  return key;
}

}  // namespace muster
