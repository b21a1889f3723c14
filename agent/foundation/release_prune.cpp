#include "agent/foundation/release_prune.hpp"

#include <algorithm>
#include <set>

#include "agent/foundation/release_place.hpp"
#include "agent/paths.hpp"
#include "document/release_names.hpp"

namespace muster {
namespace {

// Whether a version is kept to go back to. What is current stays, and where it is not the wanted
// one yet, it is the way back.
bool prune_versions(Filesystem& files, Checkpoint& checkpoint, const ReleaseReference& wanted,
                    const std::set<std::string>& current) {
  const std::string folder = fmt::format("{}/{}", paths::releases, wanted.name);
  const auto versions = files.list(folder);
  if (!versions) return false;
  std::string kept;
  std::int64_t kept_time = 0;
  const auto is_in_use = [&](const std::string& version) {
    return version != wanted.version && current.count(wanted.name + "/" + version) > 0;
  };
  for (const auto& version : *versions) {
    if (is_in_use(version)) {
      kept = version;
      break;
    }
    const auto status = files.status(folder + "/" + version);
    const bool is_way_back = status && version != wanted.version && version[0] != '.' &&
                             status->modified_ns >= kept_time;
    if (is_way_back) {
      kept = version;
      kept_time = status->modified_ns;
    }
  }
  for (const auto& version : *versions) {
    if (version == wanted.version || version == kept || is_in_use(version)) continue;
    // What stays behind is tried again at the next converge.
    if (files.remove(folder + "/" + version)) {
      checkpoint.releases.erase(wanted.name + "/" + version);
    }
  }
  return !kept.empty();
}

std::vector<std::string_view> replaced_by(std::string_view name) {
  if (name == releases::kubernetes_node) return {releases::kubernetes};
  if (name == releases::kubernetes) {
    return {releases::kubernetes_node, releases::kubernetes_control_plane};
  }
  return {};
}

void remove_release(Filesystem& files, Checkpoint& checkpoint, std::string_view name) {
  if (!files.remove(fmt::format("{}/{}", paths::releases, name))) return;
  std::erase_if(checkpoint.releases, [prefix = fmt::format("{}/", name)](const auto& stamp) {
    return stamp.first.starts_with(prefix);
  });
}

}  // namespace

void prune_releases(Filesystem& files, Checkpoint& checkpoint,
                    const std::vector<ReleaseReference>& wanted) {
  // What the units run of while it waits for its turn to be replaced.
  std::set<std::string> current;
  for (const auto& reference : wanted) current.insert(key_in_its_place(files, reference));
  const auto is_in_use = [&](std::string_view name) {
    return std::any_of(
        current.begin(), current.end(),
        [prefix = fmt::format("{}/", name)](const auto& key) { return key.starts_with(prefix); });
  };
  for (const auto& reference : wanted) {
    if (!prune_versions(files, checkpoint, reference, current)) continue;
    for (const auto name : replaced_by(reference.name)) {
      if (!is_in_use(name)) remove_release(files, checkpoint, name);
    }
  }
}

}  // namespace muster
