#include "document/backup_frame.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>

namespace muster {
namespace {

// Last of the file: 20 digits, where the header begins, and this.
constexpr std::string_view ending = " muster-backup-1\n";
constexpr std::size_t digits = 20, footer_size = digits + ending.size();
constexpr std::size_t largest_header = 16u << 20;

}  // namespace

tl::unexpected<Error> fail_backup_file(const std::string& path, std::string_view found) {
  return fail(ErrorKind::corrupt,
              fmt::format("'{}': expected a backup of `muster backup`, found {}; take another one",
                          path, found));
}

Result<FileDescriptor> open_backup_file(const std::string& path) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat found {};
  if (!file.is_open() || ::fstat(file.get(), &found) != 0)
    return fail_errno(errno, fmt::format("opening '{}'", path));
  if (S_ISDIR(found.st_mode)) return fail_backup_file(path, "a folder");
  return file;
}

Result<BackupFrame> read_backup_frame(const FileDescriptor& file, const std::string& path) {
  struct stat found {};
  if (::fstat(file.get(), &found) != 0) return fail_errno(errno, fmt::format("'{}'", path));
  const auto size = static_cast<std::uint64_t>(found.st_size);
  std::array<char, footer_size> footer{};
  if (size <= footer_size ||
      ::pread(file.get(), footer.data(), footer.size(), static_cast<off_t>(size - footer_size)) !=
          ssize_t{footer_size})
    return fail_backup_file(path, "a file that is too short");
  const std::string_view text(footer.data(), footer.size());
  BackupFrame frame;
  const auto [end, error] = std::from_chars(footer.data(), footer.data() + digits, frame.at);
  if (!text.ends_with(ending) || error != std::errc() || end != footer.data() + digits)
    return fail_backup_file(path, "another file, or one that was cut off");
  if (frame.at >= size - footer_size || size - footer_size - frame.at > largest_header)
    return fail_backup_file(path, altered_backup);
  std::string header(static_cast<std::size_t>(size - footer_size - frame.at), '\0');
  if (::pread(file.get(), header.data(), header.size(), static_cast<off_t>(frame.at)) !=
      static_cast<ssize_t>(header.size()))
    return fail_backup_file(path, "its header cut off");
  // Why it does not read is bytes that nobody wrote.
  auto envelope = parse_envelope(header);
  if (!envelope) return fail_backup_file(path, altered_backup);
  frame.header = std::move(*envelope);
  return frame;
}

std::string backup_frame_text(const BackupFrame& frame) {
  return fmt::format("{}\n{:020}{}", to_json(frame.header), frame.at, ending);
}

}  // namespace muster
