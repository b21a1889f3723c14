#include "records/pending_machine.hpp"

#include <algorithm>
#include <functional>

#include "records/all_records.hpp"
#include "records/record_fields.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

constexpr auto name_fields = [](auto& fields, auto& node) {
  fields.text("cluster", node.cluster);
  fields.text("node", node.node);
};

constexpr auto pending_fields = [](auto& fields, auto& machine) {
  fields.text("fingerprint", machine.fingerprint);
  fields.texts("macs", machine.hints.macs);
  fields.text("uuid", machine.hints.uuid);
  fields.text("serial", machine.hints.serial);
  fields.text("hostname", machine.hints.hostname);
  fields.text("machineId", machine.hints.machine_id);
  fields.text("bootId", machine.hints.boot_id);
  fields.text("source", machine.source);
  fields.object("proposed", machine.proposed, name_fields);
  fields.object("approved", machine.approved, name_fields);
  fields.text("approvedBy", machine.approved_by);
  fields.number("firstSeen", machine.first_seen);
  fields.number("lastSeen", machine.last_seen);
};

}  // namespace

std::string to_json(const PendingMachine& machine) {
  return record_text(machine, pending_fields);
}

Result<PendingMachine> parse_pending_machine(std::string_view json) {
  return parse_record<PendingMachine>("pending machine record", json, pending_fields);
}

namespace {
Result<void> end_approvals(const Store& store, const std::function<bool(const NodeName&)>& is_over,
                           Transaction& transaction) {
  const auto records = all_records(store, kinds::pending);
  if (!records) return pass(records.error());
  for (const auto& record : *records) {
    auto machine = parse_pending_machine(record.value);
    if (!machine || machine->approved.node.empty() || !is_over(machine->approved)) continue;
    // Rows of machines that nobody approved change as strangers please, and guard nothing; who
    // approves one meanwhile writes the cluster's record (approve).
    transaction.expect(kinds::pending, record.key, record.version);
    machine->approved = {};
    machine->approved_by.clear();
    transaction.put(kinds::pending, record.key, to_json(*machine));
  }
  return {};
}
}  // namespace

Result<void> end_approvals_of(const Store& store, const std::string& cluster,
                              Transaction& transaction) {
  return end_approvals(
      store, [&](const NodeName& node) { return node.cluster == cluster; }, transaction);
}

Result<void> end_approvals_of(const Store& store, const std::string& cluster,
                              const std::vector<std::string>& nodes, Transaction& transaction) {
  const auto is_over = [&](const NodeName& node) {
    return node.cluster == cluster && std::binary_search(nodes.begin(), nodes.end(), node.node);
  };
  return end_approvals(store, is_over, transaction);
}

}  // namespace muster
