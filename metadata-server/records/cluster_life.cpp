#include "records/cluster_life.hpp"

#include "records/all_records.hpp"
#include "records/pool_member.hpp"
#include "records/schedule.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

// Of one that cannot be read nobody knows the address but the address.
Result<void> remove_members(const Store& store, const std::string& cluster,
                            Transaction& transaction) {
  const auto members = all_records(store, kinds::member, kinds::prefix_of(cluster));
  if (!members) return pass(members.error());
  if (members->empty()) return {};
  for (const auto& record : *members) {
    transaction.remove(kinds::member, record.key);
    if (const auto member = parse_member_record(record.value))
      remove_scheduled_of(*member, transaction);
  }
  const auto addresses = all_records(store, kinds::address);
  if (!addresses) return pass(addresses.error());
  for (const auto& address : *addresses) {
    if (address.value.starts_with(kinds::prefix_of(cluster)))
      transaction.remove(kinds::address, address.key);
  }
  return {};
}

}  // namespace

Result<bool> expect_life(const Store& store, const std::string& cluster, Transaction& transaction) {
  const auto record = store.get(kinds::cluster, cluster);
  if (!record && record.error().kind != ErrorKind::not_found) return pass(record.error());
  transaction.expect(kinds::cluster, cluster, record ? record->version : 0);
  if (record) return true;
  if (auto swept = expect_swept(store, cluster, transaction); !swept) return pass(swept.error());
  return false;
}

Result<void> remove_records_of(const Store& store, const std::string& cluster,
                               Transaction& transaction) {
  for (const auto kind :
       {kinds::peers, kinds::due, kinds::etcd, kinds::turn, kinds::sealed, kinds::learned})
    transaction.remove(kind, cluster);
  if (auto removed = remove_members(store, cluster, transaction); !removed) return removed;
  for (const auto kind : {kinds::ban, kinds::drain, kinds::document, kinds::machine, kinds::report,
                          kinds::served, kinds::boot, kinds::authority, kinds::secret,
                          kinds::revision, kinds::publication, kinds::unheard, kinds::learned}) {
    const auto records = all_records(store, kind, kinds::prefix_of(cluster));
    if (!records) return pass(records.error());
    for (const auto& record : *records) transaction.remove(kind, record.key);
  }
  return {};
}

}  // namespace muster
