#include "fleet/machine_removal.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <utility>

#include "enrolment/machine.hpp"
#include "enrolment/remove.hpp"
#include "fleet/report_authority.hpp"
#include "fleet/served_document.hpp"
#include "publish/quarantine.hpp"
#include "records/all_records.hpp"
#include "records/audit.hpp"
#include "records/due.hpp"
#include "records/schedule.hpp"
#include "store/kinds.hpp"

namespace muster {
namespace {

// A machine that is well reports about every minute.
constexpr std::int64_t dead_after = 300;

// Why no pod of it could be sent away; empty: some could.
Result<std::string> reason_not_to_drain(const Fleet& fleet, const NodeName& node) {
  const auto machine = find_machine(fleet.store, node);
  if (!machine) return pass(machine.error());
  if (machine->ban) return std::string("it is banned, so that it obeys no API server");
  if (!fleet.reports.find(node).report) return std::string("it never reported");
  const std::int64_t silence = fleet.reports.silence_of(node, fleet.enrolment.now());
  if (silence > dead_after) return fmt::format("it was not heard of for {} s", silence);
  const auto etcd = fleet.store.get(kinds::etcd, node.cluster);
  if (!etcd && etcd.error().kind != ErrorKind::not_found) return pass(etcd.error());
  return etcd ? std::string() : std::string("its cluster never ran");
}

// Without its last master a cluster has neither etcd nor API, and nobody to remove a Node.
Result<void> check_not_last_master(const Fleet& fleet, const NodeName& node) {
  const auto document = served_document(fleet, node);
  if (!document) return {};  // not a part of its cluster yet
  if (!is_control_plane(document->role.role)) return {};
  const auto leaving = find_machine(fleet.store, node);
  if (!leaving) return pass(leaving.error());
  std::string banned;
  for (const MachineAddress& master : document->role.cluster.masters) {
    if (master.name == node.node) continue;
    // One that was removed is in the documents until the next publication.
    const auto member = find_member(fleet.store, node.cluster, master.name);
    if (!member) return pass(member.error());
    if (*member && (*member)->record.removed_at != 0) continue;
    const auto machine = find_machine(fleet.store, {node.cluster, master.name});
    if (!machine) return pass(machine.error());
    // Where it is banned itself, its cluster has no more by it than by another that is.
    if (!machine->ban || leaving->ban) return {};
    banned += fmt::format("{}'{}'", banned.empty() ? "" : ", ", master.name);
  }
  if (!banned.empty()) {
    return fail(
        ErrorKind::conflict, "last_master",
        fmt::format(
            "machine '{}/{}': expected another master beside it that is not banned, found {} banned: its cluster would be left without API and etcd; let another master join first, `muster unban` one that may be believed, or end the cluster with `muster cluster delete {}`",
            node.cluster, node.node, banned, node.cluster));
  }
  return fail(
      ErrorKind::conflict, "last_master",
      fmt::format(
          "machine '{}/{}': expected another master beside it, found none: its cluster would be left without API and etcd; let another master join first, or end the cluster with `muster cluster delete {}`",
          node.cluster, node.node, node.cluster));
}

// Its pod network would go to another machine while routes still lead to it.
Result<void> check_node_gone(const Fleet& fleet, const NodeName& node) {
  const auto nodes = node_objects(fleet, node.cluster);
  if (!nodes) return pass(nodes.error());
  const auto peers = fleet.current.peers(node.cluster);
  const auto& duties = nodes->duties;
  // A cluster that never ran has no Nodes; of one that ran, somebody must have looked.
  if (!peers || (!duties && !nodes->may_be_any)) return {};
  if (duties) {
    const auto& leaving = duties->leaving;
    const bool is_there = std::find(leaving.begin(), leaving.end(), node.node) != leaving.end();
    if (!is_there && duties->peers_generation >= peers->generation) return {};
  }
  return fail(
      ErrorKind::conflict, "node_object_there",
      fmt::format(
          "node '{}/{}': its Node object may still be there; the duties of its cluster remove it within a minute, then ask again, or insist with --no-drain",
          node.cluster, node.node));
}

Result<void> order_draining(const Fleet& fleet, const NodeName& node, const RemovalOrder& order) {
  return order_drain(fleet.store, {node.cluster, node.node, true, order.limit, order.by},
                     latest_now(fleet.enrolment));
}

Result<void> give_up(const Fleet& fleet, FoundDrain found, const std::string& why) {
  DrainRecord& record = found.record;
  const std::string key = kinds::pair_key(record.cluster, record.node);
  record.given_up = true;
  record.remove = false;
  Transaction transaction;
  transaction.expect(kinds::drain, key, found.version).put(kinds::drain, key, to_json(record));
  append_audit(transaction, fleet.enrolment.now(), "server", "drain-given-up", key, why);
  if (auto marked = mark_due(fleet.store, record.cluster, record.node + ": drain given up",
                             record.by, fleet.enrolment.now(), transaction);
      !marked)
    return marked;
  spdlog::warn("drain of {}: given up: {}", key, in_ticks(why));
  if (auto committed = fleet.store.commit(transaction); !committed) return pass(committed.error());
  return {};
}

Result<void> finish(const Fleet& fleet, const FoundDrain& found,
                    const std::optional<DutiesReport>& duties) {
  const DrainRecord& record = found.record;
  if (record.given_up) return {};
  const NodeName node{record.cluster, record.node};
  if (record.remove && !record.undrained.empty())
    return remove_machine(fleet.enrolment, node, record.by);
  const auto [phase, message] = progress_of(record, duties ? &*duties : nullptr);
  if (phase == DrainPhase::drained) {
    if (!record.remove) return {};
    if (auto allowed = check_not_last_master(fleet, node); !allowed)
      return give_up(fleet, found, allowed.error().message);
    if (auto removed = remove_machine(fleet.enrolment, node, record.by); !removed) return removed;
    spdlog::info("{}: removed {}/{}, drained", record.by, node.cluster, node.node);
    return {};
  }
  const auto now = fleet.clock.believed_now();
  if (!now || unix_seconds(*now) < record.until) return {};
  return give_up(fleet, found, message);
}

// What was lost of it but for what others know: the document that it is served, who holds its
// address, the schedule. One that is served nothing was removed, or is no machine yet.
Result<MemberRecord> member_anew(const Fleet& fleet, const NodeName& node, const std::string& key) {
  MemberRecord record;
  record.cluster = node.cluster;
  record.node = node.node;
  const auto published = fleet.store.get(kinds::document, key);
  if (published) {
    const auto document = served_document(fleet, node);
    if (!document) return pass(document.error());
    record.pool = document->role.pool;
    record.role = document->role.role;
    record.address = document->role.address;
  } else if (published.error().kind != ErrorKind::not_found) {
    return pass(published.error());
  } else {
    record.removed_at = unix_seconds(latest_now(fleet.enrolment));
  }
  const auto holders = all_records(fleet.store, kinds::address);
  if (!holders) return pass(holders.error());
  for (const Record& holder : *holders)
    if (holder.value == key) record.address = holder.key;
  const auto end = scheduled_at(fleet.store, scheduled::member, key);
  if (!end) return pass(end.error());
  record.ends_at = *end;
  const auto machine = find_machine(fleet.store, node);
  if (machine && machine->record.current) record.key = machine->record.current->key;
  record.admitted_at =
      machine ? machine->record.enrolled_at : unix_seconds(latest_now(fleet.enrolment));
  return record;
}

// The member as an order needs it: a record that cannot be read begins anew.
Result<std::optional<FoundMember>> ordered_member(const Fleet& fleet, const NodeName& node,
                                                  const std::string& by) {
  auto member = find_member(fleet.store, node.cluster, node.node);
  if (member || is_store_away(member.error())) return member;
  const std::string key = kinds::pair_key(node.cluster, node.node);
  const auto unread = fleet.store.get(kinds::member, key);
  if (!unread) return pass(unread.error());
  auto anew = member_anew(fleet, node, key);
  if (!anew) return while_doing(anew.error(), member.error().message);
  FoundMember found{std::move(*anew), unread->version};
  Transaction transaction;
  // Its end in the schedule finds what it held.
  if (found.record.removed_at != 0)
    put_scheduled({0, std::string(scheduled::released), node.cluster, {}}, transaction);
  put_member(found, transaction);
  append_audit(transaction, fleet.enrolment.now(), by, "member-begun-anew", key,
               member.error().message);
  if (auto committed = fleet.store.commit(transaction); !committed) return pass(committed.error());
  return find_member(fleet.store, node.cluster, node.node);
}

}  // namespace

Result<NodeObjects> node_objects(const Fleet& fleet, const std::string& cluster) {
  const auto etcd = fleet.store.get(kinds::etcd, cluster);
  if (!etcd && etcd.error().kind != ErrorKind::not_found) return pass(etcd.error());
  return NodeObjects{etcd.has_value(), fleet.current.cluster(cluster), duties_of(fleet, cluster)};
}

Result<RemovalStep> order_removal(const Fleet& fleet, const NodeName& node,
                                  const RemovalOrder& order) {
  RemovalStep step;
  const auto member = ordered_member(fleet, node, order.by);
  if (!member) return pass(member.error());
  if (*member && (*member)->record.removed_at != 0) return step;  // asked again
  const bool is_member = member->has_value();
  if (is_member) {
    if (auto allowed = check_not_last_master(fleet, node); !allowed) return pass(allowed.error());
  } else if (order.drain) {
    const auto listed = fleet.enrolment.inventory()->lists(node);
    if (!listed) return pass(listed.error());
    const auto gone = *listed ? Result<void>() : check_node_gone(fleet, node);
    if (!gone) return pass(gone.error());
  }
  if (is_member && order.drain) {
    auto reason = reason_not_to_drain(fleet, node);
    if (!reason) return pass(reason.error());
    step.undrained = std::move(*reason);
    step.is_draining = step.undrained.empty();
  }
  if (step.is_draining) {
    if (auto ordered = order_draining(fleet, node, order); !ordered) return pass(ordered.error());
    return step;
  }
  if (auto removed = remove_machine(fleet.enrolment, node, order.by); !removed)
    return pass(removed.error());
  return step;
}

Result<bool> add_removal(const Fleet& fleet, const NodeName& node, const RemovalOrder& order,
                         Transaction& transaction) {
  auto reason = reason_not_to_drain(fleet, node);
  if (!reason) return pass(reason.error());
  const bool is_draining = reason->empty();
  const DrainOrder wanted{node.cluster, node.node, true, order.limit, order.by, std::move(*reason)};
  if (auto ordered =
          order_drain(std::as_const(fleet.store), wanted, latest_now(fleet.enrolment), transaction);
      !ordered)
    return pass(ordered.error());
  return is_draining;
}

Result<void> finish_drains(const Fleet& fleet) {
  const auto drains = list_drains(fleet.store, {});
  if (!drains) return pass(drains.error());
  std::map<std::string, std::optional<DutiesReport>> duties;  // by cluster
  Result<void> all;  // the first error; nobody waits for it
  for (const FoundDrain& found : *drains) {
    const std::string& cluster = found.record.cluster;
    if (!duties.contains(cluster)) duties[cluster] = duties_of(fleet, cluster);
    const auto done = finish(fleet, found, duties[cluster]);
    // Somebody wrote it meanwhile: next time.
    if (!done && done.error().kind != ErrorKind::conflict && all)
      all = while_doing(done.error(), fmt::format("drain of {}/{}", cluster, found.record.node));
  }
  return all;
}

Result<bool> release_places(const Fleet& fleet, const std::string& cluster,
                            std::chrono::seconds quarantine, TimePoint now) {
  const auto nodes = node_objects(fleet, cluster);
  if (!nodes) return pass(nodes.error());
  const auto retired = release_retired_members(fleet.store, *fleet.publishing.memory, cluster,
                                               unix_seconds(now), quarantine, *nodes);
  // Somebody published meanwhile: next time.
  if (!retired && retired.error().kind == ErrorKind::conflict) return true;
  if (!retired) return pass(retired.error());
  return retired->waiting > 0;
}

}  // namespace muster
