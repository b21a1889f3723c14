// A report in one line for people: on the machine, in lists and in the server's worst three. Pure;
// what the machine said is in it as it said it: escape it where it is shown.
#pragma once

#include <string>

#include "document/report.hpp"

namespace muster {

// "converged", "converged, unwell since 14:02 UTC: kubelet NotReady, and 2 more",
// "failed (disk): writing '/etc/x': ...", "converged, fallen back from sha256:0123456789ab: ...".
// `now`: Unix seconds; another day's times come with their date. Messages: their first line.
[[nodiscard]] std::string in_short(const Report& report, std::int64_t now);

// Whether somebody should look at the machine.
[[nodiscard]] bool is_well(const Report& report);

}  // namespace muster
