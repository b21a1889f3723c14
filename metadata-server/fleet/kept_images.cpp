#include "fleet/kept_images.hpp"

#include "document/release_names.hpp"
#include "fleet/fleet.hpp"
#include "records/all_records.hpp"
#include "records/revision.hpp"

namespace muster {

std::optional<ReleaseReference> KeptImages::find(const Fleet& fleet, const std::string& cluster,
                                                 const std::string& image) {
  const auto served = fleet.current.cluster(cluster);
  if (!served) return std::nullopt;
  const std::lock_guard lock(mutex_);
  Kept& kept = clusters_[cluster];
  if (kept.revision_number != served->revision_number) {
    const auto records = all_records(fleet.store, kinds::revision, kinds::prefix_of(cluster));
    if (!records) return std::nullopt;
    kept = {served->revision_number, {}};
    for (const auto& record : *records) {
      const auto revision = parse_revision(record.value);
      if (!revision) continue;  // nobody can go back to it
      for (const auto& entry : releases_of(*revision)) {
        if (entry.name.starts_with(releases::image_prefix))
          kept.images[entry.name + "/" + entry.version] = {entry.name, entry.version,
                                                           entry.manifest_digest, entry.size};
      }
    }
  }
  const auto found = kept.images.find(image);
  if (found == kept.images.end()) return std::nullopt;
  return found->second;
}

}  // namespace muster
