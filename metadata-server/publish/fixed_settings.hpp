// What a live cluster cannot change: its networks are in every certificate, route and etcd key.
#pragma once

#include "inventory/objects.hpp"
#include "records/revision.hpp"

namespace muster {

[[nodiscard]] FixedSettings fixed_settings_of(const Cluster& cluster);
// conflict: `cluster` differs from what was published, and machines have been admitted to it. Names
// every difference. A cluster without machines may still change everything.
[[nodiscard]] Result<void> check_fixed_settings(const Store& store, const ClusterRecord& published,
                                                const Cluster& cluster);

}  // namespace muster
