#include "enrolment/tombstone.hpp"

#include "records/audit.hpp"
#include "records/record_fields.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {
constexpr auto tombstone_fields = [](auto& fields, auto& record) {
  fields.text("cluster", record.cluster);
  fields.text("node", record.node);
  fields.number("endedAt", record.ended_at);
  fields.word("onDelete", record.on_delete, parse_on_delete);
  fields.flag("byTtl", record.by_ttl, Presence::if_set);
};
}  // namespace

std::string to_json(const TombstoneRecord& record) {
  return record_text(record, tombstone_fields);
}

Result<TombstoneRecord> parse_tombstone_record(std::string_view json) {
  return parse_record<TombstoneRecord>("tombstone record", json, tombstone_fields);
}

Result<std::optional<TombstoneRecord>> find_tombstone(const Store& store, std::string_view key) {
  const auto found = store.get(kinds::tombstone, key);
  if (!found && found.error().kind == ErrorKind::not_found) return std::nullopt;
  if (!found) return pass(found.error());
  auto record = parse_tombstone_record(found->value);
  if (!record) return while_doing(record.error(), fmt::format("tombstone '{}'", key));
  return std::optional<TombstoneRecord>(std::move(*record));
}

std::vector<std::string> put_tombstones(const MachineRecord& machine, const TombstoneRecord& record,
                                        Transaction& transaction) {
  std::vector<std::string> keys;
  for (const auto& identity : {machine.current, machine.previous}) {
    if (!identity) continue;
    transaction.put(kinds::tombstone, identity->key, to_json(record));
    keys.push_back(identity->key);
  }
  return keys;
}

Result<void> note_tombstone_taken(const EnrolmentContext& context, const NodeName& node,
                                  const std::string& key) {
  Transaction transaction;
  transaction.remove(kinds::tombstone, key);
  append_audit(transaction, context.now(), fmt::format("machine {}/{}", node.cluster, node.node),
               "tombstone-taken", kinds::pair_key(node.cluster, node.node), "key " + key);
  return commit(context.store, transaction);
}

}  // namespace muster
