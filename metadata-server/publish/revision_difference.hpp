// What changed for each machine between two revisions of a cluster. Pure but for reading the store.
#pragma once

#include "publish/publish.hpp"
#include "records/revision.hpp"

namespace muster {

struct RevisionDifference {
  Revision from, to;                   // as they were asked for
  std::vector<MachineChange> changes;  // by node
  std::vector<std::string> notes;      // what could not be compared
};

// By the compiled documents of each machine. Of a publication beside a revision (what machines,
// bans and time caused) the documents are known while it is what is served; of an earlier one the
// files alone, and the notes say so. `from`, `to`: as find_published takes them. invalid with
// problems: this program refuses an inventory that an earlier one published.
[[nodiscard]] Published<RevisionDifference> diff_revisions(const Store& store,
                                                           const CurrentDocuments& current,
                                                           const std::string& cluster,
                                                           const std::string& from,
                                                           const std::string& to);

}  // namespace muster
