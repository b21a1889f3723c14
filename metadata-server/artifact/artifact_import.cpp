#include "artifact/artifact_import.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "result/durable_file.hpp"

namespace muster {
namespace {

tl::unexpected<Error> disk_error(const ArtifactImport::State& state, const Error& error) {
  auto failure = context(error, fmt::format("artifact {}", state.digest));
  if (failure.value().kind == ErrorKind::exhausted) {
    failure.value().message += "; free some space there, 'muster release prune' is one way";
  }
  return failure;
}

}  // namespace

Result<void> create_temporary(ArtifactImport::State& state, const std::string& incoming) {
  state.temporary = fmt::format("{}/{}", incoming, hex_encode(random_bytes(16)));
  for (int attempt = 0; attempt < 10; ++attempt) {
    state.file = FileDescriptor(::open(state.temporary.c_str(),
                                       O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644));
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
  state_->stream.update(bytes);
  state_->written += bytes.size();
  if (!state_->file.is_open()) return {};
  if (auto written = write_all(state_->file.get(), bytes, state_->temporary); !written) {
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
  if (auto synced = sync_path(state_->temporary); !synced) {
    return disk_error(*state_, synced.error());
  }
  if (::rename(state_->temporary.c_str(), state_->target.c_str()) != 0) {
    return disk_error(*state_,
                      fail_errno(errno, fmt::format("renaming '{}'", state_->temporary)).value());
  }
  state_->file.close();
  return sync_folder_of(state_->target);
}

}  // namespace muster
