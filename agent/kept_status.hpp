// The last report as the machine itself has it, for `muster-agent status`: in /run, so that it is
// of this boot.
#pragma once

#include <optional>

#include "agent/host/host.hpp"
#include "document/report.hpp"

namespace muster {

// Both judgements of the report: configuration and health, and why it failed. Without its counter,
// time, phases, duties and their Lease, so that an unchanged machine writes nothing.
void keep_status(const Report& report, Filesystem& files);
// Nothing: none was kept in this boot, or it cannot be read.
[[nodiscard]] std::optional<Report> kept_status(const Filesystem& files);

}  // namespace muster
