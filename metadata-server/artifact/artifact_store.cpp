#include "artifact/artifact_store.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "artifact/artifact_import.hpp"
#include "result/durable_file.hpp"

namespace muster {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t piece = 256u << 10;  // bytes read at once
constexpr std::string_view prefix = "sha256:";

Result<ArtifactFile> open_file(const std::string& path, int more_flags = 0) {
  FileDescriptor opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | more_flags));
  if (!opened.is_open()) return fail_errno(errno, fmt::format("opening '{}'", path));
  struct stat found {};
  const bool known = ::fstat(opened.get(), &found) == 0;
  ArtifactFile file(std::move(opened), known ? static_cast<std::uint64_t>(found.st_size) : 0);
  if (!known || !S_ISREG(found.st_mode)) {
    return fail(ErrorKind::invalid, fmt::format("'{}': expected a regular file", path));
  }
  return file;
}

// Calls take(bytes) until the end of the file or the first failure.
template <class Take>
Result<void> read_pieces(const ArtifactFile& file, Take take) {
  for (std::uint64_t offset = 0;;) {
    const auto bytes = file.read(offset, piece);
    if (!bytes) return pass(bytes.error());
    if (bytes->empty()) return {};
    if (Result<void> taken = take(*bytes); !taken) return taken;
    offset += bytes->size();
  }
}

// A lock that can be had means that whoever wrote the file is gone.
void remove_abandoned(const fs::path& incoming) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(incoming, ignored)) {
    const FileDescriptor file(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file.is_open()) continue;
    if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(entry.path().c_str());
  }
}

tl::unexpected<Error> not_a_digest(std::string_view found) {
  return fail(ErrorKind::invalid,
              fmt::format("artifact: expected 'sha256:' and 64 lower-case hex digits, found '{}'",
                          found.substr(0, 80)));
}

}  // namespace

Result<ArtifactStore> ArtifactStore::open(const std::string& folder) {
  for (const std::string& needed :
       {folder, folder + "/sha256", folder + "/incoming", folder + "/zstd"}) {
    if (auto made = make_folder(needed); !made) return while_doing(made.error(), "artifact store");
  }
  remove_abandoned(folder + "/incoming");
  return ArtifactStore(folder);
}

std::string ArtifactStore::path_of(std::string_view digest) const {
  const std::string_view hex = digest.substr(prefix.size());
  return fmt::format("{}/sha256/{}/{}", folder_, hex.substr(0, 2), hex);
}

bool ArtifactStore::contains(std::string_view digest, std::uint64_t size) const {
  struct stat found {};
  return is_digest(digest) && ::lstat(path_of(digest).c_str(), &found) == 0 &&
         S_ISREG(found.st_mode) && static_cast<std::uint64_t>(found.st_size) == size;
}

Result<ArtifactImport> ArtifactStore::begin_import(std::string_view digest,
                                                   std::uint64_t size) const {
  if (!is_digest(digest)) return not_a_digest(digest);
  auto state = std::make_unique<ArtifactImport::State>();
  state->digest = digest;
  state->target = path_of(digest);
  state->size = size;
  state->incoming = folder_ + "/incoming";
  state->room = room_;
  ArtifactImport import(std::move(state));
  if (contains(digest, size)) {
    // A new time of change keeps prune away until the release that needs it is published.
    static_cast<void>(::utimensat(AT_FDCWD, import.state_->target.c_str(), nullptr, 0));
    auto present = open_file(import.state_->target, O_NOFOLLOW);
    if (present) import.state_->present = present->release();
    if (present) return import;
  }
  import.state_->is_promised = true;
  room_->promise(size);
  room_->make_room();
  const std::string& target = import.state_->target;
  if (auto made = make_folder(target.substr(0, target.rfind('/'))); !made) {
    return while_doing(made.error(), fmt::format("artifact {}", digest));
  }
  if (auto made = create_temporary(*import.state_, import.state_->incoming); !made) {
    return pass(made.error());
  }
  return import;
}

Result<void> ArtifactStore::import_file(const std::string& path, std::string_view digest,
                                        std::uint64_t size) const {
  auto import = begin_import(digest, size);
  if (!import) return pass(import.error());
  const auto file = open_file(path);
  if (!file) return while_doing(file.error(), fmt::format("artifact {}", digest));
  Result<void> copied =
      read_pieces(*file, [&](std::string_view bytes) { return import->write(bytes); });
  if (copied) copied = import->finish();
  return copied;
}

Result<ArtifactFile> ArtifactStore::open_artifact(std::string_view digest) const {
  if (!is_digest(digest)) return not_a_digest(digest);
  auto file = open_file(path_of(digest), O_NOFOLLOW);
  if (file) return file;
  if (file.error().kind != ErrorKind::not_found) {
    return while_doing(file.error(), fmt::format("artifact {}", digest));
  }
  return fail(
      ErrorKind::not_found,
      fmt::format(
          "artifact {}: not in the store; 'muster release import' brings the release that holds it",
          digest));
}

Result<void> ArtifactStore::verify(std::string_view digest) const {
  const auto file = open_artifact(digest);
  if (!file) return pass(file.error());
  DigestStream stream;
  const Result<void> read = read_pieces(*file, [&](std::string_view bytes) -> Result<void> {
    stream.update(bytes);
    return {};
  });
  if (!read) return while_doing(read.error(), fmt::format("artifact {}", digest));
  const std::string found = stream.finish();
  if (found == digest) return {};
  return fail(
      ErrorKind::corrupt,
      fmt::format(
          "artifact {}: expected bytes with this digest, found {}: '{}' is damaged; 'muster release import' of its release replaces it",
          digest, found, path_of(digest)));
}

Result<PruneOutcome> ArtifactStore::prune(const std::set<std::string>& referred,
                                          std::chrono::seconds grace, bool dry_run) const {
  PruneOutcome outcome;
  const auto youngest = fs::file_time_type::clock::now() - grace;
  std::error_code failed;
  for (fs::recursive_directory_iterator entry(folder_ + "/sha256", failed), end;
       !failed && entry != end; entry.increment(failed)) {
    std::error_code gone;  // another prune may be faster
    const std::string digest = std::string(prefix) + entry->path().filename().string();
    if (!entry->is_regular_file(gone)) continue;
    if (!is_digest(digest) || referred.count(digest) != 0 ||
        entry->last_write_time(gone) > youngest) {
      ++outcome.kept;
      continue;
    }
    const std::uintmax_t size = entry->file_size(gone);
    if (!dry_run && !fs::remove(entry->path(), gone)) {
      if (gone)
        return fail_errno(gone.value(), fmt::format("removing '{}'", entry->path().string()));
      continue;
    }
    ++outcome.removed;
    outcome.bytes_removed += size;
  }
  if (failed) return fail_errno(failed.value(), fmt::format("reading '{}/sha256'", folder_));
  if (!dry_run) remove_orphaned_forms();
  return outcome;
}

}  // namespace muster
