// What of a cluster can be gone back to: the last hundred revisions of operators, and beside them,
// never instead of them, the last hundred publications that machines, bans and time caused.
#pragma once

#include "records/revision.hpp"

namespace muster {

// Adds the revision, or the publication where it has a `content`, and the end of what is too old;
// `record`, which is current, learns of it. Its number is the record's, which it has already;
// `before`: the one that it had.
[[nodiscard]] Result<void> keep_in_history(const Store& store, const Revision& revision,
                                           std::uint64_t before, ClusterRecord& record,
                                           Transaction& transaction);

}  // namespace muster
