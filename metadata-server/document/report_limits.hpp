// How much of a report is taken from its machine. Pure.
#pragma once

#include <vector>

#include "document/problem.hpp"
#include "document/report.hpp"

namespace muster {

// Adds a problem for too many rows and for a failure class that is none; cuts long texts, and times
// to the years 1970 to 9999.
void keep_to_limits(Report& report, std::vector<Problem>& problems);

}  // namespace muster
