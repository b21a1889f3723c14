// Artifacts by their digest under one folder: <folder>/sha256/ab/<64 hex digits>. What lies there
// under a name is whole and is what its name says: bytes are written to <folder>/incoming, hashed
// on the way, synced, and only then renamed. Several threads and processes may use one folder at
// once.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "artifact/form_room.hpp"
#include "pki/signature.hpp"
#include "result/file_descriptor.hpp"
#include "result/result.hpp"

namespace muster {

// A file open for reading. Stays readable when the artifact is pruned meanwhile. Movable.
class ArtifactFile {
 public:
  ArtifactFile(FileDescriptor file, std::uint64_t size) : file_(std::move(file)), size_(size) {}
  [[nodiscard]] int descriptor() const { return file_.get(); }  // owned by this object
  [[nodiscard]] FileDescriptor release() { return std::move(file_); }
  [[nodiscard]] std::uint64_t size() const { return size_; }
  // Up to `count` bytes from `offset`; fewer only at the end.
  [[nodiscard]] Result<std::string> read(std::uint64_t offset, std::size_t count) const;

 private:
  FileDescriptor file_;
  std::uint64_t size_;
};

// One artifact on its way in. Given up without a trace when destroyed before finish(). One thread.
class ArtifactImport {
 public:
  ArtifactImport(ArtifactImport&&) noexcept;
  ArtifactImport& operator=(ArtifactImport&&) noexcept;
  ~ArtifactImport();
  // invalid: more bytes than announced. exhausted: no space, though every zstd form is gone.
  [[nodiscard]] Result<void> write(std::string_view bytes);
  // invalid: too few bytes, or bytes with another digest; the message has both. Once.
  [[nodiscard]] Result<void> finish();
  // The artifact is there already, as far as it was compared: nothing is written while what arrives
  // is what lies there. Where it is not, and the file is not what its name says, it is replaced.
  [[nodiscard]] bool is_present() const;

  struct State;  // artifact_import.hpp

 private:
  friend class ArtifactStore;
  explicit ArtifactImport(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct PruneOutcome {
  std::size_t removed = 0;
  std::size_t kept = 0;
  std::uint64_t bytes_removed = 0;
};

struct Encoded {
  std::uint64_t plain = 0;  // bytes
  std::uint64_t size = 0;   // of the zstd form; 0: not worth keeping, and that is remembered
};

class ArtifactStore {
 public:
  // Creates what is missing and removes what a crash left in incoming/ (not what another process is
  // writing there now).
  [[nodiscard]] static Result<ArtifactStore> open(const std::string& folder);

  // `size` in bytes as announced (a release manifest's, a Content-Length); it must come out
  // exactly. Where it would not fit beside the zstd forms, forms are removed.
  [[nodiscard]] Result<ArtifactImport> begin_import(std::string_view digest,
                                                    std::uint64_t size) const;
  // Streams the file at `path`, never all of it in memory; compared with what is there already.
  [[nodiscard]] Result<void> import_file(const std::string& path, std::string_view digest,
                                         std::uint64_t size) const;
  // not_found: no such artifact, with its digest. invalid: no digest.
  [[nodiscard]] Result<ArtifactFile> open_artifact(std::string_view digest) const;
  [[nodiscard]] bool contains(std::string_view digest, std::uint64_t size) const;
  // Reads it all again. corrupt: the disk gave other bytes; the message has both digests.
  [[nodiscard]] Result<void> verify(std::string_view digest) const;
  // Removes every artifact that is not in `referred` and was neither imported nor asked for by an
  // import within `grace`: a release is published only after its last artifact. `dry_run`: counts
  // alone.
  [[nodiscard]] Result<PruneOutcome> prune(const std::set<std::string>& referred,
                                           std::chrono::seconds grace, bool dry_run = false) const;

  // The zstd form of an artifact (RFC 8878, one frame, a window of at most 8 MiB), kept beside it
  // and pruned with it. A cache: whoever reads it holds the plain bytes against the digest.
  // not_found: none, or none yet.
  [[nodiscard]] Result<ArtifactFile> open_encoded(std::string_view digest) const;
  // Makes it where it is missing: written apart, synced, renamed. The plain bytes are hashed on the
  // way; corrupt: they are not those of the digest. exhausted: it would take what others need
  // (FormRoom). unavailable: `stop` was set. not_found: no such artifact, and nothing else. Seconds
  // of a core; whatever happens, the artifact is served plain. One at a time.
  [[nodiscard]] Result<Encoded> encode(std::string_view digest,
                                       const std::atomic<bool>& stop) const;
  // Digests of what may have such a form and was not tried.
  [[nodiscard]] std::vector<std::string> not_encoded() const;

  [[nodiscard]] FormRoom& form_room() const { return *room_; }
  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  explicit ArtifactStore(std::string folder)
      : folder_(std::move(folder)), room_(std::make_shared<FormRoom>(folder_)) {}
  [[nodiscard]] std::string path_of(std::string_view digest) const;
  [[nodiscard]] std::string encoded_path_of(std::string_view digest) const;
  [[nodiscard]] Result<std::uint64_t> make_form(const ArtifactFile& plain, std::string_view digest,
                                                const std::atomic<bool>& stop) const;
  void remove_orphaned_forms() const;
  std::string folder_;
  std::shared_ptr<FormRoom> room_;  // its imports may outlive the store
};

}  // namespace muster
