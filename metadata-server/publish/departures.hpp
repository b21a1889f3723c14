// Machines that left a cluster while certificates of theirs may still be valid: Kubernetes has no
// revocation, so the masters' documents name them as refused until then. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "inventory/compilation.hpp"
#include "publish/current_documents.hpp"
#include "publish/machine_change.hpp"

namespace muster {

// Who is served, and not compiled any more; by name.
[[nodiscard]] std::vector<std::string> machines_gone(const ServedCluster& served,
                                                     const std::vector<MachineInput>& machines);

// Brings `departed` (node -> Unix seconds until which a certificate of its may be valid) up to what
// a publication at `now` changes: machines that it removes are added by the longest lifetime in
// their last document, those that come back and those whose time is over at `earliest` go.
// `before`: what was served, has every machine that is removed.
void note_departures(const std::vector<MachineChange>& changes, const ServedCluster& before,
                     std::int64_t now, std::int64_t earliest,
                     std::map<std::string, std::int64_t>& departed);

}  // namespace muster
