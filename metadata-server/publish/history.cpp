#include "publish/history.hpp"

#include <algorithm>

#include "records/all_records.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

constexpr std::uint64_t kept_revisions = 100;
constexpr std::uint64_t kept_publications = 100;

// An earlier program kept the last hundred of all together, and no list of them. `newest`: the
// number of its last one.
Result<void> find_history(const Store& store, std::uint64_t newest, ClusterRecord& record) {
  if (record.content != 0 || newest == 0) return {};
  for (std::uint64_t number = newest - std::min(newest, kept_revisions) + 1; number <= newest;
       ++number) {
    const auto there = store.get(kinds::revision, kinds::revision_key(record.name, number));
    if (there) record.history.push_back(number);
    if (!there && there.error().kind != ErrorKind::not_found) return pass(there.error());
  }
  return {};
}

// Its key is in the order of the numbers.
std::string oldest_kept_publication(const Revision& revision) {
  return kinds::revision_key(revision.cluster,
                             revision.number - std::min(revision.number, kept_publications) + 1);
}

// All of them, where numbers are in between that are no publication's, or were left out.
Result<void> remove_old_publications(const Store& store, const Revision& revision,
                                     Transaction& transaction) {
  const auto rows = all_records(store, kinds::publication, kinds::prefix_of(revision.cluster));
  if (!rows) return pass(rows.error());
  const std::string oldest = oldest_kept_publication(revision);
  for (const Record& row : *rows)
    if (row.key < oldest) transaction.remove(kinds::publication, row.key);
  return {};
}

}  // namespace

Result<void> keep_in_history(const Store& store, const Revision& revision, std::uint64_t before,
                             ClusterRecord& record, Transaction& transaction) {
  const std::string key = kinds::revision_key(revision.cluster, revision.number);
  if (auto found = find_history(store, before, record); !found) return found;
  if (revision.content != 0) {
    record.content = revision.content;
    transaction.put(kinds::publication, key, to_json(revision));
    if (revision.number > kept_publications)
      transaction.remove(
          kinds::publication,
          kinds::revision_key(revision.cluster, revision.number - kept_publications));
    return {};
  }
  record.content = revision.number;
  record.history.push_back(revision.number);
  transaction.put(kinds::revision, key, to_json(revision));
  for (; record.history.size() > kept_revisions; record.history.erase(record.history.begin()))
    transaction.remove(kinds::revision,
                       kinds::revision_key(revision.cluster, record.history.front()));
  return remove_old_publications(store, revision, transaction);
}

}  // namespace muster
