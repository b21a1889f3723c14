// Who is banned, of the records of machines, which are enrolment's (enrolment/machine).
#pragma once

#include <string>
#include <vector>

#include "store/store.hpp"

namespace muster {

// The names of a cluster's banned machines, sorted. A record that cannot be read says nothing of a
// ban: what its documents have (`published`, sorted) stands. Cost: a look at the records of its
// machines.
[[nodiscard]] Result<std::vector<std::string>> banned_machines(
    const Store& store, const std::string& cluster, const std::vector<std::string>& published);

}  // namespace muster
