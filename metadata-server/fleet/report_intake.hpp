// What becomes of a machine's report, and what it is answered. Thread-safe.
#pragma once

#include <chrono>

#include "document/report.hpp"
#include "enrolment/caller.hpp"
#include "fleet/fleet.hpp"

namespace muster {

// Keeps it, without what is not its own to say, and looks for what it shows: a copied key, a
// master's etcd, a clock, an ordered converge. One write. not_found: the machine was removed since.
[[nodiscard]] Result<ReportAnswer> take_report(const Fleet& fleet, const Caller& machine,
                                               Report report);

// When a machine is to ask again. One whose cluster ends before that asks right after the end.
[[nodiscard]] std::chrono::seconds poll_after(const Fleet& fleet, const NodeName& node);

}  // namespace muster
