#include "pki/key_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <utility>

#include "result/durable_file.hpp"

namespace muster {
namespace {

Error is_there(const std::string& path) {
  return {ErrorKind::conflict,
          fmt::format("'{}': is there already; a key is never overwritten", path)};
}

Result<void> check_private(const struct stat& found, const std::string& path) {
  if ((found.st_mode & 077U) == 0) return {};
  return fail(ErrorKind::forbidden,
              fmt::format("'{}': expected mode 0600 or stricter, found {:04o}. Run: chmod 600 {}",
                          path, found.st_mode & 07777U, path));
}

// As much as a key may have, and a byte more.
Result<std::string> read_some(int descriptor, const std::string& path) {
  constexpr std::size_t longest = 16 << 10;
  std::string text(longest, '\0');
  std::size_t length = 0;
  while (length < longest) {
    const ssize_t got = ::read(descriptor, text.data() + length, longest - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, fmt::format("reading '{}'", path));
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
  }
  text.resize(length);
  return text;
}

}  // namespace

Result<NewKeyFile> NewKeyFile::create(const std::string& path) {
  FileDescriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.is_open() && errno == EEXIST) {
    return pass(is_there(path));
  }
  if (!file.is_open()) return fail_errno(errno, fmt::format("creating '{}'", path));
  NewKeyFile made(path, std::move(file));
  if (auto synced = sync_folder_of(path); !synced) return pass(synced.error());
  return made;
}

Result<NewKeyFile> NewKeyFile::create_or_find(const std::string& path) {
  auto made = create(path);
  if (made || made.error().kind != ErrorKind::conflict) return made;
  FileDescriptor file(
      ::open(path.c_str(), O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat found {};
  if (!file.is_open() || ::fstat(file.get(), &found) != 0)
    return fail_errno(errno, fmt::format("opening '{}'", path));
  if (!S_ISREG(found.st_mode)) return made;
  if (auto is_private = check_private(found, path); !is_private) return pass(is_private.error());
  auto text = read_some(file.get(), path);
  if (!text) return pass(text.error());
  NewKeyFile there(path, std::move(file));
  there.found_ = std::move(*text);
  if (auto synced = sync_folder_of(path); !synced) return pass(synced.error());
  return there;
}

NewKeyFile::~NewKeyFile() {
  if (file_.is_open() && !found_) ::unlink(path_.c_str());
}

Result<void> NewKeyFile::write(const PrivateKey& key) {
  const std::string text = key.pem(), there = found_.value_or("");
  if (!text.starts_with(there)) return pass(is_there(path_));
  if (auto written = write_all(file_.get(), std::string_view(text).substr(there.size()), path_);
      !written)
    return written;
  // By what is open: the process may have become another user since.
  if (::fsync(file_.get()) != 0) return fail_errno(errno, fmt::format("syncing '{}'", path_));
  file_.close();
  return {};
}

Result<PrivateKey> read_key_file(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return fail_errno(errno, fmt::format("'{}'", path));
  if (auto is_private = check_private(found, path); !is_private) return pass(is_private.error());
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  auto key = PrivateKey::from_pem(text.str());
  if (!key) return while_doing(key.error(), fmt::format("'{}'", path));
  return key;
}

}  // namespace muster
