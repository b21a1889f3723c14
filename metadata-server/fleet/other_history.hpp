// Which machines of a cluster took something of another history of the site, by their reports.
#pragma once

#include "fleet/machine_reports.hpp"
#include "publish/current_documents.hpp"
#include "publish/taken_generations.hpp"

namespace muster {

// Of the peer list that it took, 0 where it does not say; the holder of the duties always did.
[[nodiscard]] std::uint64_t generation_of_peers(const Report& report);

// One machine's: 0 where it has nothing but what this server published. It may be of the document
// that it took or refused, or of the peer list.
[[nodiscard]] std::uint64_t generation_of_another_history(const Report& report,
                                                          const ServedAnswer* document,
                                                          const ServedAnswer* peers);

[[nodiscard]] TakenGenerations taken_generations(const CurrentDocuments& current,
                                                 const MachineReports& reports,
                                                 const std::string& cluster);

}  // namespace muster
