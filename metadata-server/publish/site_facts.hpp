// Gathers compile's second input from the store.
#pragma once

#include <string>
#include <vector>

#include "inventory/site_facts.hpp"
#include "pki/certificate.hpp"
#include "publish/current_documents.hpp"
#include "records/revision.hpp"
#include "store/store.hpp"

namespace muster {

// Of a cluster that was never published, its own authorities and secrets are not there yet.
// `site`: the pin. `cluster`: its record as it is now. `banned_machines`: who refuses them is
// enrolment's knowledge. `members`: those that are there now (PublicationMemory::members).
[[nodiscard]] Result<SiteFacts> gather_site_facts(const Store& store, const std::string& site,
                                                  const ClusterRecord& cluster,
                                                  std::vector<std::string> banned_machines,
                                                  std::vector<PoolMember> members, TimePoint now);

// Who is served now and may not be from now on: of those that are listed or members, nobody.
// nullptr: all, to be compared with an inventory later.
[[nodiscard]] std::vector<std::string> may_leave(const ServedCluster& served,
                                                 const std::string& cluster, const SiteFacts& facts,
                                                 const Inventory* inventory);

}  // namespace muster
