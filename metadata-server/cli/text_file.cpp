#include "cli/text_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <fstream>

#include "result/durable_file.hpp"
#include "result/file_descriptor.hpp"

namespace muster {

Result<std::string> read_text_file(const std::string& path, std::size_t most) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return fail_errno(errno, fmt::format("reading '{}'", path));
  std::string text(most + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (text.size() <= most) return text;
  return fail(ErrorKind::exhausted,
              fmt::format("'{}': expected at most {} bytes, found more", path, most));
}

namespace {

Result<void> write_anew(const std::string& path, const std::string& text, mode_t mode) {
  const std::string made = fmt::format("{}.{}", path, ::getpid());
  FileDescriptor file(
      ::open(made.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file.is_open()) return fail_errno(errno, fmt::format("creating '{}'", made));
  Result<void> written = write_all(file.get(), text, made);
  if (written && ::fchmod(file.get(), mode) != 0)
    written = fail_errno(errno, fmt::format("writing '{}'", made));
  if (written) written = sync_path(made);
  if (written && ::rename(made.c_str(), path.c_str()) != 0)
    written = fail_errno(errno, fmt::format("writing '{}'", path));
  if (!written) ::unlink(made.c_str());
  return written ? sync_folder_of(path) : written;
}

}  // namespace

Result<void> write_private_file(const std::string& path, const std::string& text) {
  return write_anew(path, text, 0600);
}

Result<void> write_public_file(const std::string& path, const std::string& text) {
  return write_anew(path, text, 0644);
}

}  // namespace muster
