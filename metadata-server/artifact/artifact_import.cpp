#include "artifact/artifact_import.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "result/durable_file.hpp"

namespace muster {
namespace {

tl::unexpected<Error> disk_error(const ArtifactImport::State& state, const Error& error) {
  auto failure = while_doing(error, fmt::format("artifact {}", state.digest));
  // A form of an artifact is its maker's to explain.
  if (failure.value().kind == ErrorKind::exhausted && state.is_promised) {
    failure.value().message +=
        "; free some space there, 'muster release prune' removes releases that no machine runs";
  }
  return failure;
}

// Once more without the forms, where they took the space: all that `bytes` lack in the file.
Result<void> write_beside_forms(const ArtifactImport::State& state, std::string_view bytes) {
  const int file = state.file.get();
  auto written = write_all(file, bytes, state.temporary);
  const bool is_full = !written && written.error().kind == ErrorKind::exhausted;
  if (!is_full || !state.room || !state.room->remove_all()) return written;
  const auto missing = state.written - static_cast<std::uint64_t>(::lseek(file, 0, SEEK_CUR));
  return write_all(file, bytes.substr(bytes.size() - missing), state.temporary);
}

constexpr std::size_t compared_piece = 256u << 10;  // bytes read at once

// Up to `count` bytes from `offset`; fewer at the end of the file, or where the disk fails.
std::string read_at(int file, std::uint64_t offset, std::size_t count) {
  std::string bytes(count, '\0');
  std::size_t got = 0;
  while (got < count) {
    const ssize_t read =
        ::pread(file, bytes.data() + got, count - got, static_cast<off_t>(offset + got));
    if (read < 0 && errno == EINTR) continue;
    if (read <= 0) break;
    got += static_cast<std::size_t>(read);
  }
  bytes.resize(got);
  return bytes;
}

std::string digest_of(int file, std::uint64_t size) {
  DigestStream stream;
  for (std::uint64_t offset = 0; offset < size;) {
    const std::string bytes = read_at(file, offset, compared_piece);
    if (bytes.empty()) break;
    stream.update(bytes);
    offset += bytes.size();
  }
  return stream.finish();
}

// What arrives is not what is there: one of the two is not what the name says. Where it is the
// file, a new one is begun with what was alike so far.
Result<void> replace_damaged(ArtifactImport::State& state) {
  const FileDescriptor present = std::move(state.present);
  if (digest_of(present.get(), state.size) == state.digest) return {};  // finish() tells the rest
  if (auto made = create_temporary(state, state.incoming); !made) return made;
  state.is_replacing = true;
  state.room->promise(state.size - state.written);
  state.is_promised = true;
  state.room->make_room();
  for (std::uint64_t offset = 0; offset < state.written;) {
    const std::string bytes = read_at(
        present.get(), offset, std::min<std::uint64_t>(compared_piece, state.written - offset));
    if (bytes.empty()) break;  // found by the digest of the whole
    if (auto copied = write_all(state.file.get(), bytes, state.temporary); !copied)
      return disk_error(state, copied.error());
    offset += bytes.size();
  }
  return {};
}

}  // namespace

Result<void> create_temporary(ArtifactImport::State& state, const std::string& incoming) {
  state.temporary = fmt::format("{}/{}", incoming, hex_encode(random_bytes(16)));
  for (int attempt = 0; attempt < 10; ++attempt) {
    state.file = FileDescriptor(
        ::open(state.temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!state.file.is_open()) {
      return disk_error(state,
                        fail_errno(errno, fmt::format("creating '{}'", state.temporary)).value());
    }
    struct stat named {};
    // Somebody who opens the store takes a file for abandoned until it is locked.
    if (::flock(state.file.get(), LOCK_EX | LOCK_NB) == 0 &&
        ::lstat(state.temporary.c_str(), &named) == 0) {
      return {};
    }
    ::unlink(state.temporary.c_str());
    state.file.close();
  }
  return fail(ErrorKind::unavailable,
              fmt::format("artifact {}: '{}' was taken away ten times while it was being made",
                          state.digest, state.temporary));
}

Result<void> place_temporary(ArtifactImport::State& state, const std::string& target) {
  if (auto made = make_folder(target.substr(0, target.rfind('/'))); !made) return made;
  if (auto synced = sync_path(state.temporary); !synced) return synced;
  if (::rename(state.temporary.c_str(), target.c_str()) != 0) {
    return fail_errno(errno, fmt::format("renaming '{}'", state.temporary));
  }
  state.file.close();
  return sync_folder_of(target);
}

Result<void> make_folder(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0755) != 0) {
    struct stat found {};
    if (errno != EEXIST) return fail_errno(errno, fmt::format("creating the folder '{}'", folder));
    if (::stat(folder.c_str(), &found) != 0 || !S_ISDIR(found.st_mode)) {
      return fail(ErrorKind::io,
                  fmt::format("'{}': expected a folder, found something else", folder));
    }
    return {};
  }
  return sync_folder_of(folder);
}

ArtifactImport::State::~State() {
  if (is_promised) room->take_back(size - written);
}

ArtifactImport::ArtifactImport(std::unique_ptr<State> state) : state_(std::move(state)) {}
ArtifactImport::ArtifactImport(ArtifactImport&&) noexcept = default;

ArtifactImport& ArtifactImport::operator=(ArtifactImport&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

ArtifactImport::~ArtifactImport() {
  if (state_ && state_->file.is_open()) ::unlink(state_->temporary.c_str());
}

bool ArtifactImport::is_present() const {
  return state_->temporary.empty();
}

Result<void> ArtifactImport::write(std::string_view bytes) {
  if (bytes.size() > state_->size - state_->written) {
    return fail(ErrorKind::invalid, fmt::format("artifact {}: expected {} bytes, found more",
                                                state_->digest, state_->size));
  }
  const bool is_unlike = state_->present.is_open() &&
                         read_at(state_->present.get(), state_->written, bytes.size()) != bytes;
  if (is_unlike) {
    if (auto replaced = replace_damaged(*state_); !replaced) return replaced;
  }
  state_->stream.update(bytes);
  state_->written += bytes.size();
  if (state_->is_promised) state_->room->take_back(bytes.size());
  if (!state_->file.is_open()) return {};
  if (auto written = write_beside_forms(*state_, bytes); !written) {
    return disk_error(*state_, written.error());
  }
  return {};
}

Result<void> ArtifactImport::finish() {
  if (state_->written != state_->size) {
    return fail(
        ErrorKind::invalid,
        fmt::format("artifact {}: expected {} bytes, found {}: it was cut short, send it again",
                    state_->digest, state_->size, state_->written));
  }
  const std::string found = state_->stream.finish();
  if (found != state_->digest) {
    return fail(
        ErrorKind::invalid,
        fmt::format(
            "artifact {}: expected bytes with this digest, found {}: the bytes or the manifest were altered",
            state_->digest, found));
  }
  if (is_present()) return {};
  // Its beginning was copied from a damaged file.
  if (state_->is_replacing && digest_of(state_->file.get(), state_->size) != state_->digest) {
    return fail(
        ErrorKind::corrupt,
        fmt::format(
            "artifact {}: the disk gives other bytes than were written to it; look at it (dmesg), then import again",
            state_->digest));
  }
  auto placed = place_temporary(*state_, state_->target);
  if (!placed) return disk_error(*state_, placed.error());
  return {};
}

}  // namespace muster
