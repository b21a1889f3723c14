#include "fleet/master_turns.hpp"

#include <algorithm>

#include "enrolment/ban.hpp"
#include "fleet/served_document.hpp"
#include "rollout/etcd_record.hpp"
#include "rollout/turns.hpp"
#include "store/kinds.hpp"

namespace muster {
namespace {

Result<EtcdRecord> etcd_of(const Store& store, const std::string& cluster) {
  const auto record = store.get(kinds::etcd, cluster);
  if (record) return parse_etcd_record(record->value);
  if (record.error().kind == ErrorKind::not_found) return EtcdRecord{};
  return pass(record.error());
}

// Every document of a cluster names its masters.
Result<std::vector<MachineAddress>> masters_of(const Fleet& fleet, const std::string& cluster) {
  const auto served = fleet.current.cluster(cluster);
  if (!served || served->documents.empty()) return std::vector<MachineAddress>();
  auto document = read_document(*served->documents.begin()->second);
  if (!document) return pass(document.error());
  return std::move(document->role.cluster.masters);
}

Result<std::vector<MasterState>> master_states(const Fleet& fleet, const std::string& cluster) {
  std::vector<MasterState> masters;
  const auto addresses = masters_of(fleet, cluster);
  if (!addresses) return pass(addresses.error());
  if (addresses->empty()) return masters;
  const auto served = fleet.current.cluster(cluster);
  const auto etcd = etcd_of(fleet.store, cluster);
  if (!etcd) return pass(etcd.error());
  for (const auto& master : *addresses) {
    MasterState& state = masters.emplace_back();
    state.node = master.name;
    state.is_member = etcd->members.contains(master.name);
    const auto answer = served ? served->documents.find(master.name) : nullptr;
    if (answer) state.generation = answer->generation;
    const auto machine = find_machine(fleet.store, {cluster, master.name});
    if (!machine) return pass(machine.error());
    state.is_frozen = machine->record.frozen;
    state.is_banned = machine->ban.has_value();
    HeardMachine heard = fleet.reports.find({cluster, master.name});
    // Without an identity nobody reports any more, whatever its predecessor said.
    if (machine->record.current) state.report = std::move(heard.report);
    state.silence = fleet.reports.heard_ago(heard);
  }
  return masters;
}

Result<bool> is_master(const Fleet& fleet, const NodeName& node) {
  const auto masters = masters_of(fleet, node.cluster);
  if (!masters) return pass(masters.error());
  return std::any_of(masters->begin(), masters->end(),
                     [&](const MachineAddress& master) { return master.name == node.node; });
}

Result<std::string> order_turn_of(const Fleet& fleet, const NodeName& node, const std::string& by,
                                  const std::vector<MasterState>& masters) {
  const TimePoint now = fleet.enrolment.now();
  auto waits_for =
      order_turn(fleet.store, node.cluster, {node.node, by, unix_seconds(now)}, masters, now);
  if (!waits_for) return pass(waits_for.error());
  return std::move(*waits_for);
}

}  // namespace

Result<std::string> order_converge_of(const Fleet& fleet, const NodeName& node,
                                      const std::string& by) {
  const auto is_turn = is_master(fleet, node);
  if (!is_turn) return pass(is_turn.error());
  if (*is_turn) {
    const auto masters = master_states(fleet, node.cluster);
    if (!masters) return pass(masters.error());
    return order_turn_of(fleet, node, by, *masters);
  }
  const auto ordered = order_converge(fleet.enrolment, node, by);
  if (!ordered) return pass(ordered.error());
  const auto machine = find_machine(fleet.store, node);
  if (!machine) return pass(machine.error());
  return std::string(machine->record.current ? "" : "it has not enrolled, and hears of it then");
}

Result<void> cancel_converge_of(const Fleet& fleet, const NodeName& node, const std::string& by) {
  const auto is_turn = is_master(fleet, node);
  if (!is_turn) return pass(is_turn.error());
  if (!*is_turn) return cancel_converge(fleet.enrolment, node, by);
  const auto discarded = discard_unread_turns(fleet.store, node.cluster, by, fleet.enrolment.now());
  if (!discarded) return pass(discarded.error());
  if (*discarded) return {};
  const auto masters = master_states(fleet, node.cluster);
  if (!masters) return pass(masters.error());
  const auto cancelled =
      cancel_turn(fleet.store, node.cluster, node.node, by, *masters, fleet.enrolment.now());
  if (!cancelled) return pass(cancelled.error());
  return {};
}

Result<ConvergeAnswer> answers_converge(const Fleet& fleet, const NodeName& node,
                                        const ReportNote& note) {
  const ConvergeAnswer nothing, ordered{note.converge, note.order};
  const bool is_ordered = note.converge;
  // Whose record cannot be read fails masters alone: nobody else has a turn.
  const auto has_turns = is_master(fleet, node);
  if (!has_turns) return pass(has_turns.error());
  if (!*has_turns) return is_ordered ? ordered : nothing;
  const auto turns = find_turns(fleet.store, node.cluster);
  if (!turns) return pass(turns.error());
  // Almost always: one read, and nothing is parsed.
  if (!is_ordered && !turns->grant && turns->waiting.empty()) return nothing;
  const auto masters = master_states(fleet, node.cluster);
  if (!masters) return pass(masters.error());
  if (is_ordered) {
    const auto waits = order_turn_of(fleet, node, "operator", *masters);
    if (!waits) return pass(waits.error());
    if (auto ended = end_converge_as_turn(fleet.enrolment, node); !ended)
      return pass(ended.error());
  }
  const auto told =
      tell_turn(fleet.store, node.cluster, node.node, *masters, fleet.enrolment.now());
  if (!told) return pass(told.error());
  if (!*told) return nothing;
  const auto held = find_turns(fleet.store, node.cluster);
  if (!held) return pass(held.error());
  return ConvergeAnswer{true, held->grant ? held->grant->order.ordered_at : 0};
}

Result<std::map<std::string, nlohmann::json>> turns_of(const Fleet& fleet,
                                                       const std::string& cluster) {
  std::map<std::string, nlohmann::json> turns;
  const auto record = find_turns(fleet.store, cluster);
  if (!record) return pass(record.error());
  if (!record->grant && record->waiting.empty()) return turns;
  const auto masters = master_states(fleet, cluster);
  if (!masters) return pass(masters.error());
  const auto decision = decide_turns(*record, *masters, unix_seconds(fleet.enrolment.now()));
  const auto add = [&](const TurnOrder& order, const char* state, std::int64_t since,
                       const std::string& message) {
    turns[order.node] = {
        {"state", state}, {"since", since}, {"by", order.by}, {"message", message}};
  };
  // As it is decided with the next report: whoever was shut out meanwhile has it no more.
  const TurnRecord& decided = decision.record;
  if (decided.grant) {
    const TurnGrant& grant = *decided.grant;
    std::string message = grant.is_told ? "until it reports that it converged"
                                        : "it hears of it when it next reports";
    if (!decision.held_up.empty())
      message += fmt::format("; now: {}; `muster node converge {} --cancel` ends its turn",
                             decision.held_up, grant.order.node);
    add(grant.order, "holds", grant.granted_at, message);
    turns[grant.order.node]["heldUp"] = decision.held_up;
  }
  for (const auto& order : decided.waiting) {
    const auto why = decision.waits_for.find(order.node);
    add(order, "waits", order.ordered_at,
        why == decision.waits_for.end() || why->second.empty() ? "a master's next report"
                                                               : why->second);
  }
  return turns;
}

}  // namespace muster
