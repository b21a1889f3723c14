#include "enrolment/remove.hpp"

#include "enrolment/machine.hpp"
#include "records/audit.hpp"
#include "records/due.hpp"
#include "records/pool_member.hpp"
#include "records/revision.hpp"
#include "store/kinds.hpp"

namespace muster {

void forget_reports(const NodeName& node, Transaction& transaction) {
  const std::string key = kinds::pair_key(node.cluster, node.node);
  transaction.remove(kinds::report, key).remove(kinds::served, key);
}

void forget_machine(const NodeName& node, Transaction& transaction) {
  const std::string key = kinds::pair_key(node.cluster, node.node);
  transaction.remove(kinds::machine, key).remove(kinds::drain, key).remove(kinds::boot, key);
  forget_reports(node, transaction);
}

namespace {
// The first of a pool's masters has the role master; without it the oldest follower takes it over,
// one that is banned only where all are.
Result<void> pass_role_on(const Store& store, const MemberRecord& leaving,
                          Transaction& transaction) {
  const auto members = list_members(store, leaving.cluster);
  if (!members) return pass(members.error());
  const MemberRecord* heir = nullptr;
  bool heir_is_banned = false;
  for (const MemberRecord& member : *members) {
    if (member.role != Role::follower || member.removed_at != 0) continue;
    const auto machine = find_machine(store, {member.cluster, member.node});
    if (!machine) return pass(machine.error());
    const bool is_banned = machine->ban.has_value();
    const bool is_better = heir == nullptr || (heir_is_banned && !is_banned) ||
                           (heir_is_banned == is_banned && member.admitted_at < heir->admitted_at);
    if (!is_better) continue;
    heir = &member;
    heir_is_banned = is_banned;
  }
  if (heir == nullptr) return {};
  auto found = find_member(store, heir->cluster, heir->node);
  if (!found) return pass(found.error());
  if (!*found) return {};
  (*found)->record.role = Role::master;
  put_member(**found, transaction);
  return {};
}

// Its name, address and pod network are free some time later (release_retired_members).
Result<void> remove_member(const EnrolmentContext& context, FoundMember member,
                           const std::string& by, Transaction transaction) {
  const NodeName node{member.record.cluster, member.record.node};
  if (member.record.role == Role::master) {
    if (auto passed = pass_role_on(context.store, member.record, transaction); !passed)
      return pass(passed.error());
  }
  retire_member(std::move(member), unix_seconds(latest_now(context)), transaction);
  forget_machine(node, transaction);
  append_audit(transaction, context.now(), by, "machine-removed",
               kinds::pair_key(node.cluster, node.node), "a pool's member");
  if (auto marked = mark_due(context.store, node.cluster, node.node + " removed", by, context.now(),
                             transaction);
      !marked)
    return marked;
  if (auto committed = context.store.commit(transaction); !committed) {
    return pass(committed.error());
  }
  return {};
}

// Whoever lists it again meanwhile, and lets it in, keeps it.
Result<void> remove_unlisted(const EnrolmentContext& context, const NodeName& node,
                             const std::string& by) {
  const std::string key = kinds::pair_key(node.cluster, node.node);
  return update(
      context.store, kinds::machine, key,
      [&](const std::optional<std::string>& value, Transaction& transaction) -> Result<void> {
        const auto there = context.store.get(kinds::cluster, node.cluster);
        if (!there && there.error().kind != ErrorKind::not_found) return pass(there.error());
        transaction.expect(kinds::cluster, node.cluster, there ? there->version : 0);
        const auto inventory = inventory_of_now(context);
        if (!inventory) return pass(inventory.error());
        const auto listed = (*inventory)->lists(node);
        if (!listed) return pass(listed.error());
        if (*listed) {
          return fail(
              ErrorKind::conflict, "still_listed",
              fmt::format(
                  "node '{0}': the inventory lists it, so that it would be let in again; drain it with `muster node drain {1}`, take it out and run `muster apply DIR --remove`, or shut it out with `muster ban {1}`",
                  key, node.node));
        }
        auto cluster = find_cluster(context.store, node.cluster);
        if (!cluster) return pass(cluster.error());
        const bool had_network = cluster->record.pod_cidrs.change().erase(node.node) > 0;
        if (!value && !had_network) {
          return fail(
              ErrorKind::not_found,
              fmt::format(
                  "node '{}': nothing is left of it; `muster node list` shows the machines there are",
                  key));
        }
        if (had_network) transaction.put(kinds::cluster, node.cluster, to_json(cluster->record));
        forget_machine(node, transaction);
        append_audit(transaction, context.now(), by, "machine-removed", key,
                     had_network ? "its pod network is free" : "");
        return {};
      });
}
}  // namespace

Result<void> remove_machine(const EnrolmentContext& context, const NodeName& node,
                            const std::string& by, const Transaction& guard) {
  auto member = find_member(context.store, node.cluster, node.node);
  if (!member) return pass(member.error());
  if (*member && (*member)->record.removed_at == 0)
    return remove_member(context, std::move(**member), by, guard);
  // Asked again: what it had is kept until its Node object is gone (release_retired_members).
  if (*member) return {};
  return remove_unlisted(context, node, by);
}

}  // namespace muster
