// What a machine may say of others: by the role that the server's own documents give it, and by the
// Lease of the duties.
#pragma once

#include <optional>
#include <string>

#include "document/report.hpp"
#include "enrolment/caller.hpp"
#include "fleet/fleet.hpp"

namespace muster {

// What the holder of the duties last said: of a cluster whose masters agree on who that is
// (duties_holder.hpp), and of a peer list that was published. Frozen and banned masters are not
// asked. Costs a document's parse.
[[nodiscard]] std::optional<DutiesReport> duties_of(const Fleet& fleet, const std::string& cluster);

// Whether the server's own document of the machine lists it among its cluster's masters.
[[nodiscard]] bool is_listed_master(const Fleet& fleet, const NodeName& node);
// Takes out of a report what only a master, or only the holder of the duties, may say: a worker
// neither ends machines nor is etcd. Of a frozen master nobody knows which of two machines speaks.
void drop_what_is_not_its_own(const Fleet& fleet, const Caller& caller, Report& report);

}  // namespace muster
