// Who speaks for a cluster: the master that holds the Lease of the duties. A machine's word of
// itself is no proof, so it is whom its masters name. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "document/report.hpp"

namespace muster {

// A machine that the server's own documents list as a master.
struct MasterWord {
  std::string node;
  const Report* report = nullptr;  // its last one; none: it was never heard of
  std::int64_t seen_at = 0;        // Unix seconds, of that report
};

// The report of the holder: of the master that more than half of the masters name (of one or two:
// all), and that names itself. Masters that were never heard of name nobody and are not counted,
// nor are agents before 0.3, which cannot say whom they see; one of these that does the duties
// names itself by that, and counts as the last one that did. nullptr: nobody, or no such majority.
[[nodiscard]] const Report* report_of_holder(const std::vector<MasterWord>& masters);

}  // namespace muster
