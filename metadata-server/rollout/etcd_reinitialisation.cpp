#include "rollout/etcd_reinitialisation.hpp"

#include <fmt/ranges.h>

#include "rollout/etcd_record.hpp"
#include "store/kinds.hpp"

namespace muster {

Result<void> reinitialise_etcd(Store& store, const std::string& cluster, const EtcdRestore& restore,
                               Transaction& transaction) {
  auto stored = store.get(kinds::etcd, cluster);
  if (!stored) return while_doing(stored.error(), fmt::format("etcd of cluster '{}'", cluster));
  const auto before = parse_etcd_record(stored->value);
  EtcdRecord fresh;
  if (!restore.node.empty()) {
    fresh.restored_on = restore.node;
    fresh.restored_at = restore.at_ms;
  }
  fresh.reinitialised_at = restore.at_ms;
  fresh.reinitialised_by = restore.by;
  // Ordered twice: what was before the first is what can come back. Nothing does of what cannot be
  // read.
  if (before) fresh.before = before->before.empty() ? stored->value : before->before;
  transaction.expect(kinds::etcd, cluster, stored->version)
      .put(kinds::etcd, cluster, to_json(fresh));
  return {};
}

Result<void> cancel_reinitialisation(const Store& store, const std::string& cluster,
                                     Transaction& transaction) {
  const auto stored = store.get(kinds::etcd, cluster);
  const bool is_there = stored || stored.error().kind != ErrorKind::not_found;
  if (!stored && is_there) return pass(stored.error());
  const auto record = parse_etcd_record(stored ? std::optional<std::string>(stored->value)
                                               : std::optional<std::string>());
  if (!record) return pass(record.error());
  if (record->reinitialised_at == 0) {
    return fail(
        ErrorKind::not_found, "not_found",
        fmt::format(
            "cluster '{}': expected an order to reinitialise etcd to take back, found none; `muster status` shows those that stand",
            cluster));
  }
  if (record->before.empty()) {
    return fail(
        ErrorKind::conflict,
        fmt::format(
            "cluster '{}': its masters {} were given the right to start a new etcd, which cannot be taken back; to go on with data that one of them has: muster cluster reinitialise {} --confirm --restored-on NODE",
            cluster, fmt::join(record->initial_members, ", "), cluster));
  }
  transaction.expect(kinds::etcd, cluster, stored->version)
      .put(kinds::etcd, cluster, record->before);
  return {};
}

Result<std::optional<PendingReinitialisation>> find_reinitialisation(const Store& store,
                                                                     const std::string& cluster) {
  const auto stored = store.get(kinds::etcd, cluster);
  if (!stored && stored.error().kind == ErrorKind::not_found)
    return std::optional<PendingReinitialisation>();
  if (!stored) return pass(stored.error());
  const auto record = parse_etcd_record(stored->value);
  if (!record) return pass(record.error());
  if (record->reinitialised_at == 0) return std::optional<PendingReinitialisation>();
  return PendingReinitialisation{record->reinitialised_at, record->reinitialised_by,
                                 record->restored_on, !record->before.empty()};
}

}  // namespace muster
