#include <unistd.h>

#include <cerrno>
#include <utility>

#include "artifact/artifact_store.hpp"

namespace muster {

ArtifactFile::ArtifactFile(ArtifactFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), size_(other.size_) {}

ArtifactFile& ArtifactFile::operator=(ArtifactFile&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(size_, other.size_);
  return *this;
}

ArtifactFile::~ArtifactFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

int ArtifactFile::release() {
  return std::exchange(descriptor_, -1);
}

Result<std::string> ArtifactFile::read(std::uint64_t offset, std::size_t count) const {
  std::string bytes(count, '\0');
  std::size_t filled = 0;
  while (filled < count) {
    const ssize_t got = ::pread(descriptor_, bytes.data() + filled, count - filled,
                                static_cast<off_t>(offset + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, "reading an artifact");
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

}  // namespace muster
