#include "enrolment/approval.hpp"

#include "document/problem.hpp"
#include "enrolment/identity.hpp"
#include "pki/signature.hpp"
#include "records/audit.hpp"
#include "records/revision.hpp"
#include "records/seal.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {
Result<NodeName> resolve(const EnrolmentInventory& inventory, const Approval& approval) {
  auto found = inventory.find(approval.name);
  if (!approval.cluster.empty()) {
    std::erase_if(found, [&](const NodeName& node) { return node.cluster != approval.cluster; });
  }
  if (found.empty()) {
    if (auto read = inventory.check_read(approval.cluster); !read) return pass(read.error());
    return fail(ErrorKind::not_found,
                fmt::format("node '{}': not in the inventory; apply an inventory that names it",
                            approval.name));
  }
  if (found.size() > 1) {
    return fail(ErrorKind::conflict, "ambiguous",
                fmt::format("node '{}': in {} clusters; say which with --cluster", approval.name,
                            found.size()));
  }
  return found.front();
}

// `is_ahead_of_it`: a whole one need not wait yet.
Result<FoundPending> find_by_prefix(const EnrolmentContext& context, std::string_view fingerprint,
                                    bool is_ahead_of_it) {
  constexpr std::string_view scheme = "sha256:";
  constexpr std::size_t shortest = scheme.size() + 16;
  if (!fingerprint.starts_with(scheme) || fingerprint.size() < shortest) {
    return fail(ErrorKind::invalid,
                fmt::format("fingerprint: expected 'sha256:' and at least 16 hex digits, found {}",
                            in_ticks(fingerprint)));
  }
  const auto records = context.store.list(kinds::pending, fingerprint, {}, 2);
  if (!records) return pass(records.error());
  if (records->size() > 1) {
    return fail(ErrorKind::invalid, "ambiguous",
                "fingerprint: more than one pending machine begins so; give more of it");
  }
  if (records->size() == 1) {
    auto found = find_pending(context, records->front().key);
    if (!found) return pass(found.error());
    if (found->version != 0) return std::move(*found);
  }
  if (is_ahead_of_it && is_digest(fingerprint)) {
    FoundPending ahead;
    ahead.machine.fingerprint = fingerprint;
    ahead.machine.first_seen = unix_seconds(latest_now(context));
    if (!records->empty()) ahead.version = records->front().version;  // expired
    return ahead;
  }
  return fail(
      ErrorKind::not_found, "not_found",
      fmt::format(
          "pending machine {}: there is none, or it stopped asking; `muster pending` shows those there are, and a whole fingerprint may be approved before its machine asks",
          in_ticks(fingerprint)));
}

// One wrong line of a fingerprint list would give a machine another one's name, role and data.
Result<void> check_matches(const EnrolmentInventory& inventory, const PendingMachine& machine,
                           const NodeName& node) {
  const MatchResult match = inventory.match(machine.hints);
  const bool is_other = match.kind == MatchResult::Kind::matched && match.node != node;
  if (!is_other) return {};
  return fail(
      ErrorKind::conflict, "matches_other",
      fmt::format(
          "pending machine {}: its hardware is that of '{}/{}' by the inventory ({}), not of '{}/{}'; approve it as {}, mend the inventory, or repeat with --despite-match",
          machine.fingerprint, match.node.cluster, match.node.node, fmt::join(match.reasons, ", "),
          node.cluster, node.node, match.node.node));
}
}  // namespace

Result<void> check_free(const EnrolmentContext& context, const FoundMachine& machine,
                        std::string_view fingerprint) {
  const MachineRecord& record = machine.record;
  if (auto may = check_may_be_issued(machine); !may) return may;
  if (auto may = check_key_not_banned(context.store, fingerprint); !may) return may;
  if (record.current && record.current->key == fingerprint) return {};
  if (record.replace_ordered && (record.replace_key.empty() || record.replace_key == fingerprint)) {
    return {};
  }
  if (!has_live_identity(record, earliest_now(context), context.limits.recovery_window)) return {};
  return fail(
      ErrorKind::conflict, "live_identity",
      fmt::format(
          "node '{0}/{1}': another key holds this name; if that machine is gone, an operator orders `muster node replace {1}`",
          record.cluster, record.node));
}

Result<PendingMachine> approve(const EnrolmentContext& context, const Approval& approval,
                               const std::string& approved_by) {
  const auto inventory = context.inventory();
  const auto node = resolve(*inventory, approval);
  if (!node) return pass(node.error());
  auto open = check_not_sealed(context.store, node->cluster);
  // It waits for this operator, not for a while.
  if (!open && open.error().code == sealed_code) open.error().kind = ErrorKind::conflict;
  if (!open) return pass(open.error());
  auto found = find_by_prefix(context, approval.fingerprint, !approval.despite_match);
  if (!found) return pass(found.error());
  PendingMachine& machine = found->machine;
  if (!approval.despite_match) {
    auto matching = check_matches(*inventory, machine, *node);
    if (!matching) return pass(matching.error());
  }
  const auto record = find_machine(context.store, *node);
  if (!record) return pass(record.error());
  if (auto free = check_free(context, *record, machine.fingerprint); !free) {
    return pass(free.error());
  }
  if (machine.approved == *node) return std::move(machine);
  machine.approved = *node;
  machine.approved_by = approved_by;
  machine.last_seen = unix_seconds(latest_now(context));
  Transaction transaction;
  transaction.expect(kinds::sealed, node->cluster, 0);
  if (auto there = expect_cluster(context.store, node->cluster, transaction); !there)
    return pass(there.error());
  // Written as it is, so that whoever ends it, or takes the node out, meanwhile decides again.
  auto cluster = context.store.get(kinds::cluster, node->cluster);
  if (!cluster) return pass(cluster.error());
  transaction.put(kinds::cluster, node->cluster, std::move(cluster->value));
  transaction.expect(kinds::pending, machine.fingerprint, found->version)
      .put(kinds::pending, machine.fingerprint, to_json(machine));
  append_audit(transaction, context.now(), approved_by, "approved",
               kinds::pair_key(node->cluster, node->node), machine.fingerprint);
  if (auto committed = context.store.commit(transaction); !committed) {
    return pass(committed.error());
  }
  return std::move(machine);
}

}  // namespace muster
