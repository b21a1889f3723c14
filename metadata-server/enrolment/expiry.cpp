#include "enrolment/expiry.hpp"

#include <algorithm>
#include <map>

#include "enrolment/join_token.hpp"
#include "enrolment/remove.hpp"
#include "records/all_records.hpp"
#include "records/audit.hpp"
#include "records/due.hpp"
#include "records/pending_machine.hpp"
#include "records/pool_member.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

// Gathers the tombstones of a cluster's machines, and until when any of them may be asked for: as
// long as a certificate that was issued to its machine may be valid.
class Tombstones {
 public:
  Tombstones(const EnrolmentContext& context, Transaction& transaction)
      : inventory_(context.inventory()),
        now_(unix_seconds(context.now())),
        latest_(unix_seconds(latest_now(context))),
        last_(latest_),
        transaction_(transaction) {}

  // `pool`: empty for a machine that is listed.
  Result<void> add(const Store& store, const NodeName& node, const std::string& pool,
                   std::optional<OnDelete> on_delete, bool by_ttl = false) {
    auto found = find_machine(store, node);
    // Nobody knows the keys of one that cannot be read: it gets no tombstone, and ends all the
    // same.
    if (!found && found.error().kind == ErrorKind::corrupt) {
      const auto unread = store.get(kinds::machine, kinds::pair_key(node.cluster, node.node));
      if (!unread) return pass(unread.error());
      found = FoundMachine{{}, unread->version};
    }
    if (!found) return pass(found.error());
    // Whoever is about to get an identity by this name comes too late.
    transaction_.expect(kinds::machine, kinds::pair_key(node.cluster, node.node), found->version);
    const TombstoneRecord record{node.cluster, node.node, now_,
                                 on_delete.value_or(order_for(node.cluster, pool)), by_ttl};
    for (auto& key : put_tombstones(found->record, record, transaction_))
      lapsing_.emplace_back(kinds::tombstone, std::move(key));
    last_ = std::max(last_, latest_ + inventory_->certificate_lifetime(node.cluster).count());
    for (const auto& identity : {found->record.current, found->record.previous})
      if (identity) last_ = std::max(last_, identity->not_after);
    return {};
  }
  void finish() { put_lapse(last_, lapsing_, transaction_); }

 private:
  [[nodiscard]] OnDelete order_for(const std::string& cluster, const std::string& name) const {
    const NodePool* pool = inventory_->pool(cluster, name);
    // A pool that is no more gives no orders, nor does the inventory.
    return pool == nullptr ? OnDelete::keep : pool->on_delete;
  }

  const std::shared_ptr<const EnrolmentInventory> inventory_;
  const std::int64_t now_, latest_;
  std::int64_t last_;
  Transaction& transaction_;
  std::vector<std::pair<std::string_view, std::string>> lapsing_;
};

}  // namespace

Result<void> add_cluster_end(const EnrolmentContext& context, const std::string& cluster,
                             std::optional<OnDelete> on_delete, Transaction& transaction) {
  // Tokens first: who is admitted after this spends one, and the commit fails.
  if (auto ended = end_join_tokens_of(context, cluster, transaction); !ended) return ended;
  if (auto ended = end_approvals_of(context.store, cluster, transaction); !ended) return ended;
  const std::string prefix = kinds::prefix_of(cluster);
  const auto members = all_records(context.store, kinds::member, prefix);
  if (!members) return pass(members.error());
  const auto machines = all_records(context.store, kinds::machine, prefix);
  if (!machines) return pass(machines.error());
  Tombstones tombstones(context, transaction);
  std::map<std::string, std::string> pools;  // by node: members, and every other that has a record
  for (const auto& record : *members) {
    const auto member = parse_member_record(record.value);
    pools[record.key.substr(prefix.size())] = member ? member->pool : std::string();
  }
  for (const auto& record : *machines) pools.try_emplace(record.key.substr(prefix.size()));
  for (const auto& [node, pool] : pools) {
    auto added = tombstones.add(context.store, {cluster, node}, pool, on_delete);
    if (!added) return added;
  }
  tombstones.finish();
  return {};
}

Result<std::optional<NodeName>> expire_member(const EnrolmentContext& context,
                                              const ScheduleRow& row) {
  const auto name = kinds::parse_pair_key(row.name);
  if (!name) return fail(ErrorKind::corrupt, fmt::format("schedule: no member '{}'", row.name));
  const NodeName node{name->first, name->second};
  auto member = find_member(context.store, node.cluster, node.node);
  if (!member) return pass(member.error());
  Transaction transaction;
  remove_scheduled(row.at, row.what, row.name, transaction);
  const bool is_current =
      *member && (*member)->record.ends_at == row.at && (*member)->record.removed_at == 0;
  if (!is_current) {
    if (auto removed = context.store.commit(transaction); !removed) return pass(removed.error());
    return std::nullopt;
  }
  if (is_control_plane((*member)->record.role)) {
    (*member)->record.ends_at = 0;
    put_member(**member, transaction);
    append_audit(transaction, context.now(), "expiry", "member-stays", row.name,
                 "a control-plane machine does not end by its pool's ttl");
    if (auto kept = context.store.commit(transaction); !kept) return pass(kept.error());
    return std::nullopt;
  }
  Tombstones tombstones(context, transaction);
  if (auto added = tombstones.add(context.store, node, (*member)->record.pool, std::nullopt, true);
      !added)
    return pass(added.error());
  tombstones.finish();
  append_audit(transaction, context.now(), "expiry", "member-expired", row.name,
               fmt::format("pool {}", (*member)->record.pool));
  retire_member(std::move(**member), unix_seconds(context.now()), transaction);
  forget_machine(node, transaction);
  if (auto marked = mark_due(context.store, node.cluster, node.node + " expired", "expiry",
                             context.now(), transaction);
      !marked)
    return pass(marked.error());
  if (auto committed = context.store.commit(transaction); !committed)
    return pass(committed.error());
  return node;
}

}  // namespace muster
