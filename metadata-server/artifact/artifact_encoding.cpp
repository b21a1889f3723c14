// The zstd form of artifacts: <folder>/zstd/ab/<64 hex digits>, an empty file where it is not worth
// keeping.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <cerrno>
#include <filesystem>

#include "artifact/artifact_import.hpp"
#include "artifact/artifact_store.hpp"
#include "result/durable_file.hpp"

namespace muster {
namespace {

namespace fs = std::filesystem;

// Measured over the releases of components.versions (README.md).
constexpr int level = 9;
constexpr int window_log = 23;                   // 8 MiB: what every reader must have room for
constexpr std::size_t plain_piece = 128u << 10;  // whoever stops waits for one
constexpr std::uint64_t smallest = 64u << 10;
constexpr std::uint64_t worth_percent = 90;

class Compressor {
 public:
  Compressor(std::uint64_t size, int file, const std::string& path)
      : context_(ZSTD_createCCtx(), ZSTD_freeCCtx),
        buffer_(ZSTD_CStreamOutSize(), '\0'),
        file_(file),
        path_(path) {
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_windowLog, window_log);
    ZSTD_CCtx_setPledgedSrcSize(context_.get(), size);
  }

  Result<void> add(std::string_view bytes, ZSTD_EndDirective end) {
    ZSTD_inBuffer input{bytes.data(), bytes.size(), 0};
    for (;;) {
      ZSTD_outBuffer output{buffer_.data(), buffer_.size(), 0};
      const std::size_t left = ZSTD_compressStream2(context_.get(), &output, &input, end);
      if (ZSTD_isError(left) != 0) {
        return fail(ErrorKind::io, fmt::format("compressing: {}", ZSTD_getErrorName(left)));
      }
      const std::string_view made(buffer_.data(), output.pos);
      if (auto written = write_all(file_, made, path_); !written) return written;
      written_ += made.size();
      const bool is_done = end == ZSTD_e_end ? left == 0 : input.pos == input.size;
      if (is_done) return {};
    }
  }
  [[nodiscard]] std::uint64_t written() const { return written_; }

 private:
  std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context_;
  std::string buffer_;
  int file_;
  const std::string& path_;
  std::uint64_t written_ = 0;
};

tl::unexpected<Error> no_room() {
  return fail(
      ErrorKind::exhausted,
      "not made: a tenth of the file system (at most 1 GiB) stays free for the database and artifacts; 'muster release prune' makes room");
}

// The plain bytes through the compressor.
Result<void> compress(const ArtifactFile& plain, std::string_view digest, Compressor& compressor,
                      const FormRoom& room, const std::atomic<bool>& stop) {
  DigestStream found;
  for (std::uint64_t offset = 0;;) {
    if (stop) return fail(ErrorKind::unavailable, "stopped");
    // Others write meanwhile.
    if (!room.is_whole() || !room.has_room_for(plain_piece)) return no_room();
    const auto bytes = plain.read(offset, plain_piece);
    if (!bytes) return pass(bytes.error());
    offset += bytes->size();
    found.update(*bytes);
    const auto end = bytes->empty() ? ZSTD_e_end : ZSTD_e_continue;
    if (auto added = compressor.add(*bytes, end); !added) return added;
    if (bytes->empty()) break;
  }
  const std::string read = found.finish();
  if (read == digest) return {};
  return fail(
      ErrorKind::corrupt,
      fmt::format(
          "expected bytes with this digest, found {}: the disk gave other bytes; import the release again, which replaces the file",
          read));
}

}  // namespace

std::string ArtifactStore::encoded_path_of(std::string_view digest) const {
  const std::string_view hex = digest.substr(digest.find(':') + 1);
  return fmt::format("{}/zstd/{}/{}", folder_, hex.substr(0, 2), hex);
}

Result<ArtifactFile> ArtifactStore::open_encoded(std::string_view digest) const {
  const auto none = [&] {
    return fail(ErrorKind::not_found, fmt::format("artifact {}: no zstd form", digest));
  };
  if (!is_digest(digest)) return none();
  FileDescriptor file(
      ::open(encoded_path_of(digest).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  struct stat found {};
  const bool is_there = file.is_open() && ::fstat(file.get(), &found) == 0 &&
                        S_ISREG(found.st_mode) && found.st_size > 0;
  if (!is_there) return none();
  return ArtifactFile(std::move(file), static_cast<std::uint64_t>(found.st_size));
}

Result<Encoded> ArtifactStore::encode(std::string_view digest,
                                      const std::atomic<bool>& stop) const {
  const auto plain = open_artifact(digest);
  if (!plain) return pass(plain.error());
  const std::string target = encoded_path_of(digest);
  struct stat found {};
  if (::lstat(target.c_str(), &found) == 0) {
    return Encoded{plain->size(), static_cast<std::uint64_t>(found.st_size)};
  }
  if (plain->size() < smallest) return Encoded{plain->size(), 0};
  auto made = make_form(*plain, digest, stop);
  if (made) return Encoded{plain->size(), *made};
  // The artifact is there: what is not, is a folder that somebody removed.
  const auto kind = made.error().kind == ErrorKind::not_found ? ErrorKind::io : made.error().kind;
  return fail(kind, fmt::format("artifact {}: its zstd form: {}", digest, made.error().message));
}

Result<std::uint64_t> ArtifactStore::make_form(const ArtifactFile& plain, std::string_view digest,
                                               const std::atomic<bool>& stop) const {
  if (!room_->has_room_for(plain.size() / 100 * worth_percent)) return no_room();
  // The whole folder may be removed, at any time.
  if (auto made = make_folder(folder_ + "/zstd"); !made) return pass(made.error());
  ArtifactImport::State state;
  state.digest = digest;
  if (auto made = create_temporary(state, folder_ + "/incoming"); !made) return pass(made.error());
  Compressor compressor(plain.size(), state.file.get(), state.temporary);
  room_->begin_form(state.file.get());
  auto done = compress(plain, digest, compressor, *room_, stop);
  if (!room_->end_form() && done) done = no_room();
  std::uint64_t size = compressor.written();
  if (done && size > plain.size() / 100 * worth_percent) {
    size = 0;
    if (::ftruncate(state.file.get(), 0) != 0) done = fail_errno(errno, "emptying");
  }
  if (done) done = place_temporary(state, encoded_path_of(digest));
  if (done) return size;
  ::unlink(state.temporary.c_str());
  return pass(done.error());
}

std::vector<std::string> ArtifactStore::not_encoded() const {
  std::vector<std::string> digests;
  std::error_code failed;
  for (fs::recursive_directory_iterator entry(folder_ + "/sha256", failed), end;
       !failed && entry != end; entry.increment(failed)) {
    std::error_code gone;
    const std::string digest = "sha256:" + entry->path().filename().string();
    if (!is_digest(digest) || !entry->is_regular_file(gone)) continue;
    if (entry->file_size(gone) < smallest || gone) continue;
    if (!fs::exists(fs::symlink_status(encoded_path_of(digest), gone))) digests.push_back(digest);
  }
  return digests;
}

void ArtifactStore::remove_orphaned_forms() const {
  std::error_code failed;
  for (fs::recursive_directory_iterator entry(folder_ + "/zstd", failed), end;
       !failed && entry != end; entry.increment(failed)) {
    std::error_code ignored;
    if (!entry->is_regular_file(ignored)) continue;
    const std::string digest = "sha256:" + entry->path().filename().string();
    const bool is_wanted =
        is_digest(digest) && fs::exists(fs::symlink_status(path_of(digest), ignored));
    if (!is_wanted) fs::remove(entry->path(), ignored);
  }
}

}  // namespace muster
