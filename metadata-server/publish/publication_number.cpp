#include "publish/publication_number.hpp"

#include <algorithm>

#include "records/epoch.hpp"

namespace muster {

Result<PublicationNumber> next_publication(const PublishContext& context,
                                           const ClusterRecord& record, bool by_operator) {
  const auto epoch = find_epoch(context.store);
  if (!epoch) return pass(epoch.error());
  PublicationNumber next;
  next.is_new_epoch = record.revision_number != 0 && epoch_of(record.revision_number) < *epoch;
  if (by_operator && context.taken) next.taken = context.taken(record.name);
  next.number = next_number(std::max(record.revision_number, next.taken.highest()), *epoch);
  return next;
}

}  // namespace muster
