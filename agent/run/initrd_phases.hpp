// What a netbooted machine's initrd did before systemd, for the timeline: it leaves a line for each
// of its phases, "NAME SECONDS", with the uptime at which that began (images/netboot/init.sh).
#pragma once

#include <vector>

#include "agent/host/host.hpp"
#include "document/report.hpp"

namespace muster {

// Named "initrd NAME", each ending where the next begins, the last one open; `kernel_us`: when the
// kernel began. None where there is no such file; what is no such line is left out.
[[nodiscard]] std::vector<Phase> initrd_phases(const Filesystem& files, std::int64_t kernel_us);

}  // namespace muster
