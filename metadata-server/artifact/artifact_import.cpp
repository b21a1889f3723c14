#include "artifact/artifact_import.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

namespace muster {
namespace {

tl::unexpected<Error> disk_error(const ArtifactImport::State& state) {
  const int error = errno;
  auto failure =
      fail_errno(error, fmt::format("artifact {}: writing '{}'", state.digest, state.temporary));
  if (failure.value().kind == ErrorKind::exhausted) {
    failure.value().message += "; free some space there, 'muster release prune' is one way";
  }
  return failure;
}

}  // namespace

Result<void> sync_folder(const std::string& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return fail_errno(errno, fmt::format("opening '{}'", folder));
  const int failed = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  if (failed != 0) return fail_errno(failed, fmt::format("syncing '{}'", folder));
  return {};
}

Result<void> create_temporary(ArtifactImport::State& state, const std::string& incoming) {
  state.temporary = fmt::format("{}/{}", incoming, hex_encode(random_bytes(16)));
  for (int attempt = 0; attempt < 10; ++attempt) {
    state.descriptor =
        ::open(state.temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (state.descriptor < 0) return disk_error(state);
    struct stat named {};
    // Somebody who opens the store takes a file for abandoned until it is locked.
    if (::flock(state.descriptor, LOCK_EX | LOCK_NB) == 0 &&
        ::lstat(state.temporary.c_str(), &named) == 0) {
      return {};
    }
    ::unlink(state.temporary.c_str());
    ::close(std::exchange(state.descriptor, -1));
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
  if (!state_ || state_->descriptor < 0) return;
  ::unlink(state_->temporary.c_str());
  ::close(state_->descriptor);
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
  while (state_->descriptor >= 0 && !bytes.empty()) {
    const ssize_t written = ::write(state_->descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return disk_error(*state_);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> ArtifactImport::finish() {
  if (state_->written != state_->size) {
    return fail(ErrorKind::invalid,
                fmt::format("artifact {}: expected {} bytes, found {}: it was cut short, send it "
                            "again",
                            state_->digest, state_->size, state_->written));
  }
  const std::string found = state_->stream.finish();
  if (found != state_->digest) {
    return fail(ErrorKind::invalid,
                fmt::format("artifact {}: expected bytes with this digest, found {}: the bytes or "
                            "the manifest were altered",
                            state_->digest, found));
  }
  if (is_present()) return {};
  if (::fsync(state_->descriptor) != 0) return disk_error(*state_);
  if (::rename(state_->temporary.c_str(), state_->target.c_str()) != 0) return disk_error(*state_);
  ::close(std::exchange(state_->descriptor, -1));
  return sync_folder(state_->target.substr(0, state_->target.rfind('/')));
}

}  // namespace muster
