// Whether an operator's order is of what is current: what it says that it was made from.
#pragma once

#include <string>

#include "records/revision.hpp"

namespace muster {

// Who published what is current, and when: an operator, whatever machines made of it since.
[[nodiscard]] Revision last_order(const Store& store, const ClusterRecord& current);

// `given`: a revision as find_published takes it; empty: none. conflict: an operator published
// since; with signatures, which are of the documents of one very revision, anybody did.
[[nodiscard]] Result<void> check_based_on(const Store& store, const ClusterRecord& current,
                                          const std::string& given, bool is_signed);

}  // namespace muster
