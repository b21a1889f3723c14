// How the addons' objects differ from the inventory. Pure.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "agent/duties/addon_record.hpp"
#include "document/node_document.hpp"
#include "document/report.hpp"

namespace muster {

// The RBAC objects, which are applied like an addon and before every other; then the document's
// own.
[[nodiscard]] std::vector<AddonSpec> wanted_addons(const NodeDocument& document);
[[nodiscard]] std::string specification_of(const AddonSpec& addon);

struct AddonChange {
  AddonSpec addon;
  std::string lost;  // what is to be put back: "Deployment.apps kube-system/coredns is gone";
                     // empty: the addon is new, another than before, or did not roll out
};

struct AddonChanges {
  std::vector<AddonChange> due;  // in their order
  std::vector<HealthProblem>
      waits;  // what others change again and again is put back with a back-off
};

// `objects`: labelled_objects. The first three times in a row something is put back at once, then
// after a minute, two, four, up to an hour; after two quiet hours it begins anew.
[[nodiscard]] AddonChanges addon_changes(const std::vector<AddonSpec>& addons,
                                         const AddonRecord& record,
                                         const std::vector<ClusterObject>& objects,
                                         std::chrono::system_clock::time_point now);

// Nobody has taken anything from it for so long that the back-off begins anew.
[[nodiscard]] bool is_quiet(const AppliedAddon& applied, std::int64_t now);

struct Leftovers {
  std::vector<ClusterObject> pruned;  // to be deleted, in this order
  std::vector<HealthProblem> stay;    // what must not be deleted without consent
};

// Of `objects`, those that Muster applied and that no addon has now. Every addon must have been
// applied, and `record` say so. A Namespace, CRD, PersistentVolume or PersistentVolumeClaim is
// pruned only with consent.
[[nodiscard]] Leftovers leftovers(const AddonRecord& record,
                                  const std::vector<ClusterObject>& objects);

// Those of `objects` (unlabelled_objects) that no addon has now.
[[nodiscard]] std::vector<ClusterObject> of_no_addon(const AddonRecord& record,
                                                     const std::vector<ClusterObject>& objects);

}  // namespace muster
