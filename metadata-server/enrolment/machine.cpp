#include "enrolment/machine.hpp"

#include "records/all_records.hpp"
#include "records/record_fields.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {
constexpr auto identity_fields = [](auto& fields, auto& identity) {
  fields.text("key", identity.key);
  fields.text("serial", identity.serial);
  fields.number("notAfter", identity.not_after);
  fields.number("issuedAt", identity.issued_at);
};

constexpr auto boot_fields = [](auto& fields, auto& boot) {
  fields.text("machineId", boot.machine_id);
  fields.text("bootId", boot.boot_id);
  fields.number("counter", boot.counter);
  fields.number("firstSentAt", boot.first_sent_at);
  fields.text("otherMachineId", boot.other_machine_id, Presence::if_set);
  fields.number("returns", boot.returns, Presence::if_set);
};

constexpr auto machine_fields = [](auto& fields, auto& record) {
  fields.text("cluster", record.cluster);
  fields.text("node", record.node);
  fields.object("current", record.current, identity_fields);
  fields.object("previous", record.previous, identity_fields);
  fields.object("claimant", record.claimant, identity_fields);
  fields.formerly("banned");  // by servers before 0.3: records/bans
  fields.formerly("banReason");
  fields.flag("frozen", record.frozen);
  fields.text("freezeReason", record.freeze_reason);
  fields.flag("replaceOrdered", record.replace_ordered);
  fields.text("replaceKey", record.replace_key);
  fields.number("replaceOrderedAt", record.replace_ordered_at, Presence::if_set);
  fields.flag("convergeOrdered", record.converge_ordered);
  fields.number("convergeOrderedAt", record.converge_ordered_at, Presence::if_set);
  fields.objects("boots", record.boots, boot_fields);
  fields.text("uuid", record.uuid);
  fields.text("serial", record.serial);
  fields.number("enrolledAt", record.enrolled_at);
  fields.formerly("refusedAt");  // by servers before 0.3
  fields.texts("renewed", record.renewed, Presence::newer);
};

void note_renewed(MachineRecord& record, const std::string& key) {
  constexpr std::size_t remembered_keys = 8;
  std::erase(record.renewed, key);
  if (record.renewed.size() == remembered_keys) record.renewed.erase(record.renewed.begin());
  record.renewed.push_back(key);
}
}  // namespace

std::string to_json(const MachineRecord& record) {
  return record_text(record, machine_fields);
}

Result<MachineRecord> parse_machine_record(std::string_view json) {
  return parse_record<MachineRecord>("machine record", json, machine_fields);
}

Result<std::map<std::string, FoundMachine>> list_machines(const Store& store,
                                                          const std::string& cluster) {
  const auto records = all_records(store, kinds::machine, kinds::prefix_of(cluster));
  if (!records) return pass(records.error());
  std::map<std::string, FoundMachine> machines;
  for (const auto& record : *records) {
    auto machine = parse_machine_record(record.value);
    if (!machine) return while_doing(machine.error(), fmt::format("machine '{}'", record.key));
    const std::string node = machine->node;
    machines[node] = {std::move(*machine), record.version};
  }
  auto bans = list_bans(store, cluster);
  if (!bans) return pass(bans.error());
  for (auto& [node, ban] : *bans) {
    FoundMachine& found = machines[node];
    found.record.cluster = cluster;
    found.record.node = node;
    found.ban = std::move(ban);
  }
  return machines;
}

Result<FoundMachine> find_machine(const Store& store, const NodeName& node) {
  const std::string key = kinds::pair_key(node.cluster, node.node);
  auto ban = find_ban(store, node.cluster, node.node);
  if (!ban) return pass(ban.error());
  const auto record = store.get(kinds::machine, key);
  if (!record) {
    if (record.error().kind != ErrorKind::not_found) return pass(record.error());
    FoundMachine none;
    none.record.cluster = node.cluster;
    none.record.node = node.node;
    none.ban = std::move(*ban);
    return none;
  }
  auto parsed = parse_machine_record(record->value);
  // What the store holds is ours: that it does not parse is damage, not somebody's bad input.
  if (!parsed) {
    return fail(ErrorKind::corrupt, fmt::format("machine '{}': {}", key, parsed.error().message));
  }
  return FoundMachine{std::move(*parsed), record->version, std::move(*ban)};
}

void put_machine(const FoundMachine& found, Transaction& transaction) {
  const std::string key = kinds::pair_key(found.record.cluster, found.record.node);
  transaction.expect(kinds::machine, key, found.version)
      .put(kinds::machine, key, to_json(found.record));
}

bool has_live_identity(const MachineRecord& record, TimePoint now,
                       std::chrono::seconds recovery_window) {
  if (!record.current) return false;
  const auto ends = std::chrono::system_clock::from_time_t(record.current->not_after);
  return now < ends + recovery_window;
}

std::vector<std::string> keys_of(const MachineRecord& record) {
  std::vector<std::string> keys = record.renewed;
  for (const auto* identity : {&record.current, &record.previous, &record.claimant})
    if (*identity) keys.push_back((*identity)->key);
  return keys;
}

void end_keys(MachineRecord& record) {
  record.current.reset();
  record.previous.reset();
  record.claimant.reset();
  record.renewed.clear();
}

void take_over(MachineRecord& record, IssuedIdentity identity) {
  end_keys(record);
  record.enrolled_at = identity.issued_at;
  record.current = std::move(identity);
  record.replace_ordered = false;
  record.replace_ordered_at = 0;
  record.replace_key.clear();
  record.boots.clear();
}

void freeze_between(MachineRecord& record, IssuedIdentity newest, IssuedIdentity rival) {
  record.frozen = true;
  record.freeze_reason = fmt::format(
      "since the restore, keys {} and {} claim this name, and no signature says which of them has it",
      newest.key, rival.key);
  take_over(record, std::move(newest));
  record.claimant = std::move(rival);
}

void rotate(MachineRecord& record, std::string_view caller_key, IssuedIdentity identity) {
  if (record.current && record.current->key == identity.key) {
    record.current = std::move(identity);  // the same key again, with a newer certificate
    return;
  }
  // Where the caller still holds the previous one, the answer with `current` was lost on its way:
  // nobody ever used that, and it has the name no more.
  if (record.current) note_renewed(record, record.current->key);
  if (record.current && record.current->key == caller_key) record.previous = record.current;
  record.current = std::move(identity);
}

}  // namespace muster
