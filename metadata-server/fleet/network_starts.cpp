#include "fleet/network_starts.hpp"

#include "enrolment/identity.hpp"
#include "fleet/boot_change.hpp"
#include "fleet/disk_wipes.hpp"
#include "fleet/served_document.hpp"

namespace muster {

namespace {

std::int64_t in_seconds(std::int64_t microseconds) {
  return microseconds / microseconds_per_second;
}

nlohmann::json handed_out_value(const BootRecord& record) {
  if (record.archive_at == 0) return nullptr;
  return {{"image", record.image},
          {"source", record.source},
          {"scriptAt", in_seconds(record.script_at)},
          {"archiveAt", in_seconds(record.archive_at)},
          {"claimUntil", record.claim_until},
          {"starts", record.starts},
          {"failure", record.failure},
          {"failedAt", in_seconds(record.failed_at)}};
}

nlohmann::json running_value(const BootRecord& record) {
  if (record.heard_at == 0) return nullptr;
  return {{"image", record.running},
          {"bootId", record.boot_id},
          {"heardAt", in_seconds(record.heard_at)},
          {"readyAt", in_seconds(record.ready_at)}};
}

nlohmann::json script_value(const ToldScript& script) {
  if (script.at == 0) return nullptr;
  return {{"image", script.image}, {"source", script.source}, {"at", in_seconds(script.at)}};
}

// True: it keeps its state on a disk.
Result<bool> check_netboots(const Fleet& fleet, const NodeName& node) {
  const auto document = served_document(fleet, node);
  if (!document) return pass(document.error());
  if (document->config.netboot) return document->config.state_disk.has_value();
  return fail(
      ErrorKind::conflict, "starts_from_disk",
      fmt::format(
          "machine '{0}/{1}': it starts from its disk (no netboot.image), where nothing is made anew by itself: reinstall it, and order `muster node replace {1}`",
          node.cluster, node.node));
}

void forget_failed_starts(BootRecord& record) {
  record.starts = 0;
  record.refused.clear();
  record.refused_at = 0;
}

// All that there is to order of a machine that keeps its state: no order stands, and its key stays.
Result<void> try_image_again(const Fleet& fleet, const NodeName& node, const std::string& by) {
  return change_boot(fleet, node, by, "image-tried-again", "", [&](BootRecord& record) -> Result<bool> {
    if (record.refused.empty() && record.starts < most_starts)
      return fail(
          ErrorKind::conflict, "keeps_state",
          fmt::format(
              "machine '{0}/{1}': a start makes nothing of it anew, since it keeps its state on a disk (stateDisk), and its image did not fail: `muster node wipe-disk {1}` makes it anew, or `muster node replace {1}` where the disk is another one",
              node.cluster, node.node));
    forget_failed_starts(record);
    return true;
  });
}

}  // namespace

nlohmann::json start_value(const Fleet& fleet, const NodeName& node, const HeardMachine& heard) {
  const BootRecord record = fleet.boots.find(node);
  const ToldScript script = fleet.boots.script(node);
  const BootState state = boot_state_of(record, script, heard.report.has_value(), is_ready(heard));
  nlohmann::json value = {{"state", name(state)},
                          {"script", script_value(script)},
                          {"handedOut", handed_out_value(record)},
                          {"running", running_value(record)},
                          {"good", record.good},
                          {"refused", record.refused},
                          {"refusedAt", in_seconds(record.refused_at)},
                          {"alarm", start_alarm(fleet, node)},
                          {"diskWipe", disk_wipe_value(record)},
                          {"reprovision", nullptr}};
  if (record.reprovision_at != 0)
    value["reprovision"] = {{"orderedAt", in_seconds(record.reprovision_at)},
                            {"by", record.reprovision_by}};
  return value;
}

std::string start_alarm(const BootRecord& record, std::string_view wanted) {
  if (!record.refused.empty() && record.refused == wanted)
    return fmt::format("{} was handed out {} times and did not come to be Ready: it starts by {}",
                       record.refused, most_starts, record.image);
  if (record.image == wanted && record.starts >= most_starts)
    return fmt::format("{} was handed out {} times and did not come to be Ready{}", record.image,
                       record.starts,
                       record.failure.empty() ? "" : "; its initrd says: " + record.failure);
  return {};
}

std::string start_alarm(const Fleet& fleet, const NodeName& node) {
  const BootRecord record = fleet.boots.find(node);
  if (record.refused.empty() && record.starts < most_starts) return {};
  const auto document = served_document(fleet, node);
  if (!document || !document->config.netboot) return {};
  const auto& image = *document->config.netboot;
  return start_alarm(record, fmt::format("{}/{}", image.name, image.version));
}

Result<void> order_reprovision(const Fleet& fleet, const NodeName& node, const std::string& by) {
  const auto keeps_state = check_netboots(fleet, node);
  if (!keeps_state) return pass(keeps_state.error());
  if (*keeps_state) return try_image_again(fleet, node, by);
  const auto machine = find_machine(fleet.store, node);
  if (!machine) return pass(machine.error());
  if (auto may = check_may_be_issued(*machine); !may) return may;
  return change_boot(fleet, node, by, "reprovision-ordered", "", [&](BootRecord& record) {
    if (record.reprovision_at != 0) return Result<bool>(false);
    record.reprovision_at = unix_microseconds(fleet.enrolment.now());
    record.reprovision_by = by;
    forget_failed_starts(record);
    return Result<bool>(true);
  });
}

Result<void> cancel_reprovision(const Fleet& fleet, const NodeName& node, const std::string& by) {
  return change_boot(
      fleet, node, by, "reprovision-cancelled", "", [&](BootRecord& record) -> Result<bool> {
        if (record.reprovision_at == 0)
          return fail(
              ErrorKind::not_found, "not_found",
              fmt::format(
                  "node '{0}/{1}': expected an ordered reprovisioning to cancel, found none; if the machine came anew already, `muster audit --node {0}/{1}` says since when",
                  node.cluster, node.node));
        record.reprovision_at = 0;
        record.reprovision_by.clear();
        return true;
      });
}

}  // namespace muster
