#include "enrolment/clone_detection.hpp"

#include <algorithm>

#include "document/problem.hpp"

namespace muster {

namespace {
constexpr std::size_t remembered_boots = 8;

void note_boot(MachineRecord& record, const Report& report) {
  if (record.boots.size() == remembered_boots) record.boots.erase(record.boots.begin());
  record.boots.push_back({report.machine_id, report.boot_id, report.counter, report.sent_at});
}
}  // namespace

std::optional<std::string> observe_report(MachineRecord& record, const Report& report) {
  const auto seen =
      std::find_if(record.boots.begin(), record.boots.end(),
                   [&](const SeenBoot& boot) { return boot.boot_id == report.boot_id; });
  if (seen == record.boots.end()) {
    note_boot(record, report);
    return std::nullopt;
  }
  if (seen->machine_id != report.machine_id) {
    return fmt::format("boot {} reported as machine {} and as machine {}", in_ticks(report.boot_id),
                       in_ticks(seen->machine_id), in_ticks(report.machine_id));
  }
  const bool is_newest_boot = seen + 1 == record.boots.end();
  const bool is_new_report = report.counter > seen->counter;
  if (!is_newest_boot && is_new_report && report.sent_at > record.boots.back().first_sent_at) {
    const SeenBoot& newest = record.boots.back();
    return fmt::format(
        "boots {} (machine {}, report {}) and {} (machine {}, report {}) report by turns",
        in_ticks(seen->boot_id), in_ticks(seen->machine_id), report.counter,
        in_ticks(newest.boot_id), in_ticks(newest.machine_id), newest.counter);
  }
  seen->counter = std::max(seen->counter, report.counter);
  return std::nullopt;
}

std::optional<std::string> observe_old_key(MachineRecord& record, const IssuedIdentity& old) {
  const bool was_renewed =
      std::find(record.renewed.begin(), record.renewed.end(), old.key) != record.renewed.end();
  if (!was_renewed || !record.current) return std::nullopt;
  record.claimant = old;
  return fmt::format(
      "key {} was renewed to {}, and calls again: one of them is a copy's; keep the key of the machine that is '{}' (`muster-agent status` tells it)",
      old.key, record.current->key, record.node);
}

}  // namespace muster
