#include "cli/key_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>

namespace muster {
namespace {

Result<void> write_and_sync(int file, const std::string& text, const std::string& path) {
  // A file of a hundred bytes is written at once or not at all.
  if (::write(file, text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::fsync(file) != 0) {
    return fail_errno(errno, fmt::format("writing '{}'", path));
  }
  return {};
}

}  // namespace

Result<PrivateKey> create_key_file(const std::string& path) {
  auto key = PrivateKey::generate_ed25519();
  if (!key) return key;
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0 && errno == EEXIST) {
    return fail(ErrorKind::conflict,
                fmt::format("'{}': is there already; a key is never overwritten", path));
  }
  if (file < 0) return fail_errno(errno, fmt::format("creating '{}'", path));
  const auto written = write_and_sync(file, key->pem(), path);
  ::close(file);
  if (written) return key;
  ::unlink(path.c_str());
  return pass(written.error());
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
