#include "fleet/disk_wipes.hpp"

#include "document/problem.hpp"
#include "enrolment/identity.hpp"
#include "fleet/boot_change.hpp"
#include "fleet/clock_judgement.hpp"
#include "fleet/served_document.hpp"
#include "inventory/text_rules.hpp"
#include "pki/unix_seconds.hpp"

namespace muster {
namespace {

Result<void> refuse(std::string code, std::string message) {
  return fail(ErrorKind::conflict, std::move(code), std::move(message));
}

// The inventory must permit it as well: two words, of which one stands where everybody reads it.
Result<void> check_permitted(const Fleet& fleet, const NodeName& node, const std::string& serial) {
  const auto document = served_document(fleet, node);
  if (!document) return pass(document.error());
  const std::string whom = fmt::format("machine '{}/{}'", node.cluster, node.node);
  const auto& disk = document->config.state_disk;
  if (!disk || !document->config.netboot)
    return refuse("no_state_disk",
                  fmt::format("{}: the inventory names no state disk (stateDisk)", whom));
  if (disk->create != "wipe")
    return refuse(
        "wipe_not_permitted",
        fmt::format(
            "{}: stateDisk.create: expected wipe, found {}: say so in the inventory, `muster apply`, and order it again",
            whom, disk->create));
  if (!disk->serial.empty() && disk->serial != serial)
    return refuse("other_serial",
                  fmt::format("{}: expected the serial number of its state disk, {}, found {}",
                              whom, in_ticks(disk->serial), in_ticks(serial)));
  return {};
}

}  // namespace

Result<void> order_disk_wipe(const Fleet& fleet, const NodeName& node, const std::string& serial,
                             const std::string& by) {
  constexpr std::size_t longest_serial = 64;
  if (!rules::is_printable(serial) || serial.size() > longest_serial)
    return fail(
        ErrorKind::invalid, "serial_expected",
        fmt::format(
            "serial: expected the serial number of the disk to wipe, found {}; the machine's console tells it, and `muster node show {}`",
            in_ticks(serial), node.node));
  if (auto permitted = check_permitted(fleet, node, serial); !permitted) return permitted;
  const auto machine = find_machine(fleet.store, node);
  if (!machine) return pass(machine.error());
  if (auto may = check_may_be_issued(*machine); !may) return may;
  return change_boot(fleet, node, by, "disk-wipe-ordered", serial, [&](BootRecord& record) {
    const bool stands = record.wipe_at != 0 && record.wipe_handed_at == 0;
    if (stands && record.wipe_serial == serial) return Result<bool>(false);
    record.wipe_serial = serial;
    record.wipe_at = unix_microseconds(fleet.enrolment.now());
    record.wipe_by = by;
    record.wipe_to.clear();
    record.wipe_handed_at = record.wiped_at = 0;
    return Result<bool>(true);
  });
}

Result<void> cancel_disk_wipe(const Fleet& fleet, const NodeName& node, const std::string& by) {
  return change_boot(
      fleet, node, by, "disk-wipe-cancelled", "", [&](BootRecord& record) -> Result<bool> {
        if (!is_wipe_open(record, latest_now(fleet.enrolment)))
          return fail(
              ErrorKind::not_found, "not_found",
              fmt::format(
                  "node '{0}/{1}': expected an ordered wipe of its disk to cancel, found none; `muster node show {1}` says whether it was handed out",
                  node.cluster, node.node));
        record.wipe_serial.clear();
        record.wipe_by.clear();
        record.wipe_to.clear();
        record.wipe_at = record.wipe_handed_at = 0;
        return true;
      });
}

bool is_wipe_open(const BootRecord& record, TimePoint now) {
  if (record.wipe_at == 0 || record.wiped_at != 0) return false;
  if (record.wipe_handed_at == 0) return true;
  const std::int64_t age = unix_microseconds(now) - record.wipe_handed_at;
  return age > -clock_agreement * microseconds_per_second &&
         age < wipe_lifetime.count() * microseconds_per_second;
}

std::optional<DiskWipe> open_wipe(const BootRecord& record, TimePoint now) {
  if (!is_wipe_open(record, now)) return std::nullopt;
  return DiskWipe{record.wipe_at, record.wipe_serial};
}

Result<std::optional<DiskWipe>> hand_out_disk_wipe(const Fleet& fleet, const NodeName& node,
                                                   const std::string& source) {
  const BootRecord known = fleet.boots.find(node);
  auto wipe = open_wipe(known, latest_now(fleet.enrolment));
  if (!wipe || known.wipe_handed_at != 0) return wipe;
  auto done = change_boot(fleet, node, "a start by the network from " + source,
                          "disk-wipe-handed-out", "", [&](BootRecord& record) {
                            const TimePoint now = latest_now(fleet.enrolment);
                            wipe = open_wipe(record, now);
                            if (!wipe || record.wipe_handed_at != 0) return Result<bool>(false);
                            record.wipe_handed_at = unix_microseconds(now);
                            record.wipe_to = source;
                            return Result<bool>(true);
                          });
  if (!done) return pass(done.error());
  return wipe;
}

nlohmann::json disk_wipe_value(const BootRecord& record) {
  if (record.wipe_at == 0) return nullptr;
  return {{"serial", record.wipe_serial},
          {"orderedAt", record.wipe_at / microseconds_per_second},
          {"by", record.wipe_by},
          {"handedOutAt", record.wipe_handed_at / microseconds_per_second},
          {"to", record.wipe_to},
          {"doneAt", record.wiped_at / microseconds_per_second}};
}

}  // namespace muster
