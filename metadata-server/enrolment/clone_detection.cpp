#include "enrolment/clone_detection.hpp"

#include <algorithm>
#include <utility>

#include "document/problem.hpp"

namespace muster {

namespace {
constexpr std::size_t remembered_boots = 8;

void note_boot(MachineRecord& record, const Report& report) {
  if (record.boots.size() == remembered_boots) record.boots.erase(record.boots.begin());
  record.boots.push_back(
      {report.machine_id, report.boot_id, report.counter, report.sent_at, {}, 0});
}

// systemd's own word for none (machine-id(5)); an emptied file says as little.
bool is_known(const std::string& machine_id) {
  return !machine_id.empty() && machine_id != "uninitialized";
}

// A machine id can be emptied, made anew or put back while a machine runs: another one by itself
// proves nothing. Two machines that were one when they booted report by turns, on and on.
bool reports_by_turns(SeenBoot& boot, const Report& report) {
  constexpr std::uint64_t returns_needed = 2;
  if (report.counter <= boot.counter || !is_known(report.machine_id)) return false;
  if (report.machine_id == boot.machine_id) return false;
  if (!is_known(boot.machine_id)) {
    boot.machine_id = report.machine_id;
    return false;
  }
  boot.returns = report.machine_id == boot.other_machine_id ? boot.returns + 1 : 0;
  boot.other_machine_id = std::exchange(boot.machine_id, report.machine_id);
  return boot.returns >= returns_needed;
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
  if (reports_by_turns(*seen, report)) {
    return fmt::format("boot {} reports by turns as machine {} and as machine {}",
                       in_ticks(report.boot_id), in_ticks(seen->other_machine_id),
                       in_ticks(seen->machine_id));
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
