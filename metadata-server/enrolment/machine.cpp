#include "enrolment/machine.hpp"

#include "document/json_object.hpp"
#include "document/strict_json.hpp"
#include "enrolment/stored_record.hpp"
#include "records/all_records.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {
nlohmann::json to_value(const IssuedIdentity& identity) {
  return {{"key", identity.key},
          {"serial", identity.serial},
          {"notAfter", identity.not_after},
          {"issuedAt", identity.issued_at}};
}

nlohmann::json to_value(const SeenBoot& boot) {
  return {{"machineId", boot.machine_id},
          {"bootId", boot.boot_id},
          {"counter", boot.counter},
          {"firstSentAt", boot.first_sent_at}};
}

void read_identity(JsonObject& root, std::string_view field,
                   std::optional<IssuedIdentity>& identity) {
  if (!root.has(field)) return;
  root.object(field, [&](JsonObject& object) {
    identity.emplace();
    object.text("key", identity->key);
    object.text("serial", identity->serial);
    object.number("notAfter", identity->not_after);
    object.number("issuedAt", identity->issued_at);
  });
}

void note_renewed(MachineRecord& record, const std::string& key) {
  constexpr std::size_t remembered_keys = 8;
  std::erase(record.renewed, key);
  if (record.renewed.size() == remembered_keys) record.renewed.erase(record.renewed.begin());
  record.renewed.push_back(key);
}

void read_boots(JsonObject& root, std::vector<SeenBoot>& boots) {
  root.objects("boots", [&](JsonObject& object) {
    SeenBoot& boot = boots.emplace_back();
    object.text("machineId", boot.machine_id);
    object.text("bootId", boot.boot_id);
    object.number("counter", boot.counter);
    object.number("firstSentAt", boot.first_sent_at);
  });
}
}  // namespace

std::string to_json(const MachineRecord& record) {
  nlohmann::json value = {{"cluster", record.cluster},
                          {"node", record.node},
                          {"banned", record.banned},
                          {"banReason", record.ban_reason},
                          {"frozen", record.frozen},
                          {"freezeReason", record.freeze_reason},
                          {"replaceOrdered", record.replace_ordered},
                          {"replaceKey", record.replace_key},
                          {"convergeOrdered", record.converge_ordered},
                          {"boots", nlohmann::json::array()},
                          {"uuid", record.uuid},
                          {"serial", record.serial},
                          {"enrolledAt", record.enrolled_at},
                          {"renewed", record.renewed}};
  if (record.replace_ordered_at != 0) value["replaceOrderedAt"] = record.replace_ordered_at;
  if (record.converge_ordered_at != 0) value["convergeOrderedAt"] = record.converge_ordered_at;
  if (record.current) value["current"] = to_value(*record.current);
  if (record.previous) value["previous"] = to_value(*record.previous);
  if (record.claimant) value["claimant"] = to_value(*record.claimant);
  for (const auto& boot : record.boots) value["boots"].push_back(to_value(boot));
  return canonical_text(value);
}

Result<MachineRecord> parse_machine_record(std::string_view json) {
  const auto value = parse_strict_json("machine record", json);
  if (!value) return pass(value.error());
  MachineRecord record;
  std::vector<Problem> problems;
  JsonObject root(*value, "", problems);
  root.text("cluster", record.cluster);
  root.text("node", record.node);
  read_identity(root, "current", record.current);
  read_identity(root, "previous", record.previous);
  read_identity(root, "claimant", record.claimant);
  root.flag("banned", record.banned);
  root.text("banReason", record.ban_reason);
  root.flag("frozen", record.frozen);
  root.text("freezeReason", record.freeze_reason);
  root.flag("replaceOrdered", record.replace_ordered);
  root.text("replaceKey", record.replace_key);
  root.flag("convergeOrdered", record.converge_ordered);
  root.number("replaceOrderedAt", record.replace_ordered_at, Need::optional);
  root.number("convergeOrderedAt", record.converge_ordered_at, Need::optional);
  read_boots(root, record.boots);
  root.text("uuid", record.uuid);
  root.text("serial", record.serial);
  root.number("enrolledAt", record.enrolled_at);
  static_cast<void>(root.raw("refusedAt", Need::optional));  // of servers before 0.3
  root.texts("renewed", record.renewed, Need::optional);
  root.close();
  if (!problems.empty()) return fail("machine record", problems);
  return record;
}

Result<std::map<std::string, MachineRecord>> list_machines(const Store& store,
                                                           const std::string& cluster) {
  const auto records = all_records(store, kinds::machine, kinds::prefix_of(cluster));
  if (!records) return pass(records.error());
  std::map<std::string, MachineRecord> machines;
  for (const auto& record : *records) {
    auto machine = as_stored(parse_machine_record(record.value));
    if (!machine) return while_doing(machine.error(), fmt::format("machine '{}'", record.key));
    const std::string node = machine->node;
    machines[node] = std::move(*machine);
  }
  return machines;
}

Result<FoundMachine> find_machine(const Store& store, const NodeName& node) {
  const std::string key = kinds::pair_key(node.cluster, node.node);
  const auto record = store.get(kinds::machine, key);
  if (!record) {
    if (record.error().kind != ErrorKind::not_found) return pass(record.error());
    FoundMachine none;
    none.record.cluster = node.cluster;
    none.record.node = node.node;
    return none;
  }
  auto parsed = parse_machine_record(record->value);
  // What the store holds is ours: that it does not parse is damage, not somebody's bad input.
  if (!parsed) {
    return fail(ErrorKind::corrupt, fmt::format("machine '{}': {}", key, parsed.error().message));
  }
  return FoundMachine{std::move(*parsed), record->version};
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

void end_keys(MachineRecord& record) {
  record.current.reset();
  record.previous.reset();
  record.claimant.reset();
  record.renewed.clear();
}

void take_over(MachineRecord& record, IssuedIdentity identity) {
  end_keys(record);
  record.current = std::move(identity);
  record.replace_ordered = false;
  record.replace_ordered_at = 0;
  record.replace_key.clear();
  record.boots.clear();
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
