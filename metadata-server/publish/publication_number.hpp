// The number of a cluster's next publication, which is the generation of what it changes.
#pragma once

#include "publish/publish.hpp"
#include "records/revision.hpp"

namespace muster {

struct PublicationNumber {
  std::uint64_t number = 0;
  TakenGenerations taken;     // that were never published here
  bool is_new_epoch = false;  // what is served is of an earlier one
};
// Above all that was published, in the site's epoch; `by_operator`: and above all that machines
// took of another history.
[[nodiscard]] Result<PublicationNumber> next_publication(const PublishContext& context,
                                                         const ClusterRecord& record,
                                                         bool by_operator);

}  // namespace muster
