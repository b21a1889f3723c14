// One name may be that of several clusters, one after the other. What lies in the store under the
// name of one is gone with it, and what is written under it is of the one that its author meant.
#pragma once

#include <string>

#include "store/store.hpp"

namespace muster {

// For what may come before the first publication too, such as a secret: the commit fails with
// conflict where the cluster ends, begins, or is published meanwhile. False: there is none now.
// unavailable: one has just ended, and what raced its end is being swept, within seconds.
[[nodiscard]] Result<bool> expect_life(const Store& store, const std::string& cluster,
                                       Transaction& transaction);

// Adds the removal of all that lies under its name, but for its tokens, approvals and machines'
// tombstones (enrolment) and its order and record, which whoever ends it expects.
[[nodiscard]] Result<void> remove_records_of(const Store& store, const std::string& cluster,
                                             Transaction& transaction);

}  // namespace muster
