// What changed for each machine between two revisions of a cluster. Pure but for reading the store.
#pragma once

#include "publish/publish.hpp"
#include "records/revision.hpp"

namespace muster {

struct RevisionDifference {
  Revision from, to;
  std::vector<MachineChange> changes;  // by node
};

// `from`, `to`: as find_revision takes them. invalid with problems: this program refuses an
// inventory that an earlier one published.
[[nodiscard]] Published<RevisionDifference> diff_revisions(const Store& store,
                                                           const std::string& cluster,
                                                           const std::string& from,
                                                           const std::string& to);

}  // namespace muster
