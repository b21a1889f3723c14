#include "records/boot_record.hpp"

#include "records/record_fields.hpp"
#include "store/kinds.hpp"

namespace muster {

namespace {

constexpr auto boot_fields = [](auto& fields, auto& record) {
  fields.text("cluster", record.cluster);
  fields.text("node", record.node);
  fields.text("image", record.image, Presence::if_set);
  fields.text("source", record.source, Presence::if_set);
  fields.number("scriptAt", record.script_at, Presence::if_set);
  fields.number("archiveAt", record.archive_at, Presence::if_set);
  fields.number("claimUntil", record.claim_until, Presence::if_set);
  fields.text("claim", record.claim, Presence::if_set);
  fields.text("claimBefore", record.claim_before, Presence::if_set);
  fields.number("starts", record.starts, Presence::if_set);
  fields.text("failure", record.failure, Presence::if_set);
  fields.number("failedAt", record.failed_at, Presence::if_set);
  fields.text("bootId", record.boot_id, Presence::if_set);
  fields.text("running", record.running, Presence::if_set);
  fields.number("kernelAt", record.kernel_at, Presence::if_set);
  fields.number("heardAt", record.heard_at, Presence::if_set);
  fields.number("readyAt", record.ready_at, Presence::if_set);
  fields.text("good", record.good, Presence::if_set);
  fields.text("refused", record.refused, Presence::if_set);
  fields.number("refusedAt", record.refused_at, Presence::if_set);
  fields.number("reprovisionAt", record.reprovision_at, Presence::if_set);
  fields.text("reprovisionBy", record.reprovision_by, Presence::if_set);
  fields.text("wipeSerial", record.wipe_serial, Presence::if_set);
  fields.number("wipeAt", record.wipe_at, Presence::if_set);
  fields.text("wipeBy", record.wipe_by, Presence::if_set);
  fields.number("wipeHandedAt", record.wipe_handed_at, Presence::if_set);
  fields.text("wipeTo", record.wipe_to, Presence::if_set);
  fields.number("wipedAt", record.wiped_at, Presence::if_set);
};

}  // namespace

std::string to_json(const BootRecord& record) {
  return record_text(record, boot_fields);
}

Result<BootRecord> parse_boot_record(std::string_view json) {
  return parse_record<BootRecord>("boot record", json, boot_fields);
}

Result<FoundBoot> find_boot(const Store& store, const std::string& cluster,
                            const std::string& node) {
  const auto record = store.get(kinds::boot, kinds::pair_key(cluster, node));
  if (!record && record.error().kind != ErrorKind::not_found) return pass(record.error());
  FoundBoot found;
  if (record) {
    found.version = record->version;
    if (auto parsed = parse_boot_record(record->value)) found.record = std::move(*parsed);
  }
  found.record.cluster = cluster;
  found.record.node = node;
  return found;
}

void put_boot(const FoundBoot& found, Transaction& transaction) {
  const std::string key = kinds::pair_key(found.record.cluster, found.record.node);
  transaction.expect(kinds::boot, key, found.version).put(kinds::boot, key, to_json(found.record));
}

Result<void> end_reprovision(const Store& store, const std::string& cluster,
                             const std::string& node, Transaction& transaction) {
  auto found = find_boot(store, cluster, node);
  if (!found) return pass(found.error());
  if (found->record.reprovision_at == 0) return {};
  found->record.reprovision_at = 0;
  found->record.reprovision_by.clear();
  put_boot(*found, transaction);
  return {};
}

}  // namespace muster
