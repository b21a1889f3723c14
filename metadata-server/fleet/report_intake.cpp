#include "fleet/report_intake.hpp"

#include <spdlog/spdlog.h>

#include <utility>

#include "enrolment/ban.hpp"
#include "fleet/boot_decision.hpp"
#include "fleet/master_turns.hpp"
#include "fleet/report_authority.hpp"
#include "fleet/served_document.hpp"

namespace muster {

namespace {

// Of a frozen one nobody knows which of two machines speaks. What cannot be read or written stands
// in no report's way: the next one says it again.
void note_boot_of(const Fleet& fleet, const Caller& machine, const Report& report,
                  Transaction& transaction) {
  if (machine.frozen || report.boot_image.empty()) return;
  HeardMachine heard;
  heard.report = report;
  const bool ready = is_ready(heard);
  // By the clock of what its starts were told.
  const TimePoint now = latest_now(fleet.enrolment);
  BootRecord known = fleet.boots.find(machine.node);
  if (!note_report(known, report, ready, now)) return;
  auto found = find_boot(fleet.store, machine.node.cluster, machine.node.node);
  if (found && note_report(found->record, report, ready, now)) put_boot(*found, transaction);
}

}  // namespace

Result<ReportAnswer> take_report(const Fleet& fleet, const Caller& machine, Report report) {
  drop_what_is_not_its_own(fleet, machine, report);
  // A question, and nothing to be kept of the machine.
  const bool asks_turn = std::exchange(report.asks_turn, false);
  // Whose word is the last, and who was silent before a restart, is told by these.
  const TimePoint now = expected_now(fleet.enrolment);
  const auto noted = note_report(fleet.enrolment, machine, report, [&](Transaction& transaction) {
    fleet.reports.write(machine.node, report, now, transaction);
    note_boot_of(fleet, machine, report, transaction);
  });
  if (!noted) return pass(noted.error());
  if (!noted->froze && !machine.frozen) fleet.clock.hear(machine.text(), report.sent_at);
  if (noted->froze)
    spdlog::warn("{}: its identity was seen on two machines and is frozen", machine.text());
  if (auto known = note_etcd_of(fleet, machine, report); !known) return pass(known.error());
  if (report.verdict == Verdict::failed) {
    spdlog::warn("{}: failed ({}): {}", machine.text(), report.failure_class,
                 in_ticks(report.message));
  }
  ReportAnswer answer;
  answer.poll_after = poll_after(fleet, machine.node);
  if (asks_turn) {
    const auto waits_for = order_converge_of(fleet, machine.node, machine.text());
    if (!waits_for) return pass(waits_for.error());
    answer.turn_waits_for = *waits_for;
  }
  const auto converge = answers_converge(fleet, machine.node, *noted);
  if (!converge) return pass(converge.error());
  answer.converge = converge->is_ordered;
  answer.order = converge->order;
  return answer;
}

std::chrono::seconds poll_after(const Fleet& fleet, const NodeName& node) {
  const auto usual = fleet.reports.poll_after(node);
  const auto left = fleet.ends.left(node.cluster, unix_seconds(fleet.enrolment.now()));
  return left && *left < usual ? *left + std::chrono::seconds(2) : usual;
}

}  // namespace muster
