#include "publish/release_flags.hpp"

#include <algorithm>

#include "publish/releases.hpp"

namespace muster {

ReleaseFlagsReader::Shared ReleaseFlagsReader::read_artifact(const std::string& digest,
                                                             std::uint64_t size) const {
  if (size > maximum_release_flags) return nullptr;
  const auto file = artifacts_.open_artifact(digest);
  if (!file || file->size() != size) return nullptr;
  const auto text = file->read(0, size);
  if (!text || sha256_digest(*text) != digest) return nullptr;
  auto flags = parse_release_flags(*text);
  return flags ? std::make_shared<const ProgramFlags>(std::move(*flags)) : nullptr;
}

ReleaseFlags ReleaseFlagsReader::read() {
  ReleaseFlags all;
  const auto catalogue = load_catalogue(store_);
  if (!catalogue) return all;
  const std::lock_guard lock(mutex_);
  std::map<std::string, Shared> now;
  for (const auto& release : catalogue->releases()) {
    const auto artifact = std::find_if(
        release.artifacts.begin(), release.artifacts.end(),
        [](const Artifact& candidate) { return candidate.path == release_flags_path; });
    if (artifact == release.artifacts.end()) continue;
    const auto known = known_.find(artifact->digest);
    // A file that the disk lost may be back.
    const bool is_known = known != known_.end() && known->second != nullptr;
    Shared flags = is_known ? known->second : read_artifact(artifact->digest, artifact->size);
    now[artifact->digest] = flags;
    if (flags != nullptr) all[{release.name, release.version}] = std::move(flags);
  }
  known_.swap(now);
  return all;
}

}  // namespace muster
