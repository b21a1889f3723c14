// The flags of the releases that the site has, out of their artifacts share/flags.json. Each is
// read once. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "artifact/artifact_store.hpp"
#include "inventory/component_options.hpp"
#include "store/store.hpp"

namespace muster {

class ReleaseFlagsReader {
 public:
  ReleaseFlagsReader(const Store& store, const ArtifactStore& artifacts)
      : store_(store), artifacts_(artifacts) {}
  // Without releases that have no such file, or one that is lost, larger than
  // maximum_release_flags, or cannot be read: the table of versions decides of those.
  [[nodiscard]] ReleaseFlags read();

 private:
  using Shared = std::shared_ptr<const ProgramFlags>;
  [[nodiscard]] Shared read_artifact(const std::string& digest, std::uint64_t size) const;

  const Store& store_;
  const ArtifactStore& artifacts_;
  std::mutex mutex_;
  std::map<std::string, Shared> known_;  // by digest; nullptr: nothing to read
};

}  // namespace muster
