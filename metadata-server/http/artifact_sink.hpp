// An upload on its way into the artifact store: hashed as it arrives, nothing held in memory.
#pragma once

#include <memory>

#include "artifact/artifact_store.hpp"
#include "http/request.hpp"

namespace muster {

class ArtifactSink final : public BodySink {
 public:
  [[nodiscard]] static Result<std::shared_ptr<ArtifactSink>> open(const ArtifactStore& store,
                                                                  std::string_view digest,
                                                                  std::uint64_t size);
  [[nodiscard]] Result<void> write(std::string_view bytes) override { return import_.write(bytes); }
  // Waits for the disk.
  [[nodiscard]] Result<void> finish() { return import_.finish(); }

 private:
  explicit ArtifactSink(ArtifactImport import) : import_(std::move(import)) {}
  ArtifactImport import_;
};

}  // namespace muster
