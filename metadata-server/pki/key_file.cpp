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
Result<NewKeyFile> NewKeyFile::create(const std::string& path) {
  FileDescriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.is_open() && errno == EEXIST) {
    return fail(ErrorKind::conflict,
                fmt::format("'{}': is there already; a key is never overwritten", path));
  }
  if (!file.is_open()) return fail_errno(errno, fmt::format("creating '{}'", path));
  NewKeyFile made(path, std::move(file));
  if (auto synced = sync_folder_of(path); !synced) return pass(synced.error());
  return made;
}

NewKeyFile::~NewKeyFile() {
  if (file_.is_open()) ::unlink(path_.c_str());
}

Result<void> NewKeyFile::write(const PrivateKey& key) {
  if (auto written = write_all(file_.get(), key.pem(), path_); !written) return written;
  if (auto synced = sync_path(path_); !synced) return synced;
  file_.close();
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
  if (!key) return while_doing(key.error(), fmt::format("'{}'", path));
  return key;
}

}  // namespace muster
