#include "fleet/machine_trouble.hpp"

#include <algorithm>
#include <tuple>

#include "document/report_text.hpp"
#include "document/time_text.hpp"
#include "enrolment/backup_wait.hpp"
#include "enrolment/pending.hpp"
#include "enrolment/pending_reason.hpp"
#include "enrolment/way_back.hpp"
#include "fleet/network_starts.hpp"
#include "fleet/node_state.hpp"
#include "fleet/other_history.hpp"
#include "fleet/standing.hpp"
#include "records/all_records.hpp"
#include "store/kinds.hpp"

namespace muster {
namespace {

// A refusal that was not repeated for so long is history.
constexpr std::int64_t refusals_count = 900;  // seconds
// A machine that goes on enrols within this after it asked for trust first: one that does not may
// ask again as often as it likes.
constexpr std::int64_t grace_to_enrol = 5;
// Of a machine that missed two of its reports, what is asked in its name or from its address
// counts. Of one that reports it does not: a pod's question comes from the machine's address too.
constexpr std::int64_t reports_missed = 120;  // seconds

// The more, the worse.
namespace weight {
constexpr int banned = 1, silent = 2, unwell = 3, not_let_in = 4, refused = 5, failed = 6,
              two_histories = 7;
}

// The agent's messages say what is wrong; then what to do.
std::string cure_of(const Report& report) {
  if (report.failure && !report.failure->cure.empty()) return report.failure->cure;
  if (report.unwell.empty()) return {};
  const std::string& message = report.unwell.front().message;
  const auto end = message.find("; ");
  return end == std::string::npos ? std::string() : message.substr(end + 2);
}

MachineTrouble trouble_in(const Report& report, std::int64_t now) {
  if (is_well(report)) return {};
  const int how_bad = report.verdict == Verdict::failed ? weight::failed
                      : report.refused_document         ? weight::refused
                                                        : weight::unwell;
  return {how_bad, in_short(report, now), cure_of(report)};
}

MachineTrouble trouble_of(const MachineRecord& frozen) {
  std::string keys = "FINGERPRINT";
  if (frozen.claimant && frozen.current)
    keys = fmt::format("{}` or `--keep {}", frozen.current->key, frozen.claimant->key);
  return {weight::failed, "frozen: " + frozen.freeze_reason,
          fmt::format("`muster node unfreeze {} --keep {}`", frozen.node, keys)};
}

// Without parsing what is not: almost none is.
Result<std::map<std::string, MachineRecord>> frozen_machines(const Store& store) {
  const auto records = all_records(store, kinds::machine);
  if (!records) return pass(records.error());
  std::map<std::string, MachineRecord> frozen;
  for (const auto& record : *records) {
    if (record.value.find(R"("frozen":true)") == std::string::npos) continue;
    auto machine = parse_machine_record(record.value);
    if (machine && machine->frozen) frozen[record.key] = std::move(*machine);
  }
  return frozen;
}

// Of a machine that has its identity and asks for one: it is there anew, or somebody else.
std::string way_back_of(const Fleet& fleet, const NodeName& node) {
  const auto machine = find_machine(fleet.store, node);
  const EnrolmentContext& context = fleet.enrolment;
  if (!machine ||
      !has_live_identity(machine->record, earliest_now(context), context.limits.recovery_window))
    return {};
  return way_back(context, node).value_or("");
}

std::string cure_of(const Fleet& fleet, const std::string& key, const RefusalNote& note) {
  const auto node = kinds::parse_pair_key(key);
  if (node && (note.code == "live_identity" || note.code.rfind("token", 0) == 0)) {
    if (auto back = way_back_of(fleet, {node->first, node->second}); !back.empty()) return back;
  }
  if (note.code == awaits_backup_code) return std::string(awaits_backup_cure);
  if (note.code == went_away)
    return "write this site's pin into its settings, and restart its agent";
  if (note.code.rfind("token", 0) == 0)
    return "make a token (`muster token create`), write it into the machine's settings, and restart its agent";
  return fmt::format("see `muster explain enrolment {}`", note.source);
}

}  // namespace

bool knows_two_histories(const Report& report, const ServedCluster& cluster,
                         const std::string& node) {
  const auto served = cluster.documents.find(node);
  return generation_of_another_history(report, served.get(), cluster.peers.get()) > 0;
}

Result<MachineTroubles> MachineTroubles::gather(const Fleet& fleet) {
  MachineTroubles troubles(fleet);
  const auto inventory = fleet.enrolment.inventory();
  const std::int64_t now = unix_seconds(fleet.enrolment.now());
  const auto add = [&](const std::string& key, const Stranger& found) {
    if (key.empty()) return troubles.strangers_.push_back(found);
    Stranger& known = troubles.outside_[key];
    if (found.last >= known.last) known = found;
  };
  // Before the refusals: one that is kept is newer than the last time that it was let wait.
  const auto waiting = list_pending(fleet.enrolment);
  if (!waiting) return pass(waiting.error());
  for (const auto& machine : *waiting) {
    if (!machine.approved.node.empty()) continue;
    const auto [node, reason, cure] = why_pending(*inventory, machine);
    add(node.node.empty() ? std::string() : kinds::pair_key(node.cluster, node.node),
        {machine.source, machine.hints.hostname, "waits for approval: " + reason, cure,
         machine.last_seen});
  }
  for (const auto& note : fleet.enrolment.refusals.since(now - refusals_count)) {
    if (note.code == went_away && note.first > now - grace_to_enrol) continue;
    std::string key = note.node;
    const ListedNode* listed =
        key.empty() ? inventory->listed(note.source, note.hostname) : nullptr;
    if (listed != nullptr) key = kinds::pair_key(listed->name.cluster, listed->name.node);
    add(key,
        {note.source, note.hostname,
         fmt::format("not let in: {} (from {}, {} times)", note.message, note.source, note.count),
         cure_of(fleet, key, note), note.last});
  }
  std::stable_sort(troubles.strangers_.begin(), troubles.strangers_.end(),
                   [](const auto& a, const auto& b) { return a.last < b.last; });
  return troubles;
}

Result<MachineTroubles> MachineTroubles::gather_for_all(const Fleet& fleet) {
  auto frozen = frozen_machines(fleet.store);
  if (!frozen) return pass(frozen.error());
  auto troubles = gather(fleet);
  if (troubles) troubles->frozen_ = std::move(*frozen);
  return troubles;
}

MachineTrouble MachineTroubles::outside(const NodeName& node, std::int64_t since) const {
  const auto found = outside_.find(kinds::pair_key(node.cluster, node.node));
  if (found == outside_.end() || found->second.last < since) return {};
  return {weight::not_let_in, found->second.reason, found->second.cure};
}

MachineTrouble MachineTroubles::of_two_histories(const NodeName& node, const Report& report) const {
  const auto cluster = fleet_->current.cluster(node.cluster);
  if (!cluster || !knows_two_histories(report, *cluster, node.node)) return {};
  constexpr const char* cure =
      "if this server's database was put back, publish the wanted content anew (`muster revision rollback`); else somebody else signs: `muster document-key list`, and revoke it";
  if (const auto& found = report.contradiction) {
    return {weight::two_histories,
            fmt::format("two of one generation: {} {}: it has {}, and was offered {}", found->of,
                        found->generation, found->taken, found->refused),
            cure};
  }
  const auto served = cluster->documents.find(node.node);
  if (served && report.generation == served->generation)
    return {weight::two_histories,
            fmt::format("two of one generation: document {}: it has {}, and is served {}",
                        report.generation, report.fetched_digest, served->etag),
            cure};
  const bool is_document = served && report.generation > served->generation;
  const std::uint64_t has = is_document ? report.generation : generation_of_peers(report);
  return {weight::two_histories,
          fmt::format("two histories: {}: it has generation {}, and is served {}",
                      is_document ? "document" : "peers", has,
                      is_document ? served->generation : cluster->peers->generation),
          cure};
}

MachineTrouble MachineTroubles::of_kept(const NodeName& node) const {
  const auto cluster = fleet_->current.cluster(node.cluster);
  if (!cluster) return {};
  const auto kept = cluster->kept.find(node.node);
  if (kept == cluster->kept.end()) return {};
  return {weight::refused, "served as before, since its document is refused now: " + kept->second,
          "apply an inventory that this server accepts"};
}

MachineTrouble MachineTroubles::of_starts(const NodeName& node) const {
  std::string alarm = start_alarm(*fleet_, node);
  if (alarm.empty()) return {};
  return {weight::failed, std::move(alarm), std::string(start_cure)};
}

MachineTrouble MachineTroubles::of(const NodeName& node) const {
  auto reported = of_reports(node);
  for (auto other : {of_kept(node), of_starts(node)}) {
    if (other.weight > reported.weight) reported = std::move(other);
  }
  return reported;
}

MachineTrouble MachineTroubles::of_reports(const NodeName& node) const {
  const auto frozen = frozen_.find(kinds::pair_key(node.cluster, node.node));
  if (frozen != frozen_.end()) return trouble_of(frozen->second);
  const HeardMachine heard = fleet_->reports.find(node);
  if (!heard.report) return outside(node, 0);
  if (auto found = of_two_histories(node, *heard.report); found.weight > 0) return found;
  const std::int64_t now = unix_seconds(fleet_->enrolment.now());
  if (heard.report->was_reset) {
    if (auto newer = outside(node, heard.seen_at); newer.weight > 0) return newer;
    return {weight::silent,
            fmt::format("reset at {}: nothing of Kubernetes is left on it",
                        short_utc_text(heard.seen_at, now)),
            "to have it back: " + way_back_of(*fleet_, node)};
  }
  if (heard.report->is_stopping)
    return {weight::silent,
            fmt::format("went down at {}, as it said, and is not up again",
                        short_utc_text(heard.seen_at, now)),
            "it starts by the network when it is switched on"};
  MachineTrouble trouble = trouble_in(*heard.report, now);
  const std::int64_t silence = fleet_->reports.silence_of(node, fleet_->enrolment.now());
  if (silence <= std::min(reports_missed, silent_after(heard))) return trouble;
  if (auto newer = outside(node, heard.seen_at); newer.weight > 0) return newer;
  if (silence <= silent_after(heard)) return trouble;
  trouble.weight = std::max(trouble.weight, weight::silent);
  trouble.reason = fmt::format("not heard of since {}; last: {}",
                               short_utc_text(heard.seen_at, now), in_short(*heard.report, now));
  if (trouble.cure.empty()) {
    const std::string back = way_back_of(*fleet_, node);
    trouble.cure =
        "see whether it is on and reaches this server; on it: journalctl -u muster-agent" +
        (back.empty() ? back : "; if it was reset or reinstalled: " + back);
  }
  return trouble;
}

MachineTrouble MachineTroubles::of(const NodeName& node, const FoundMachine& machine) const {
  if (const auto& ban = machine.ban) {
    const std::string why = ban->reason.empty() ? "no reason was given" : ban->reason;
    return {weight::banned, "banned: " + why,
            fmt::format("`muster unban {}` lets it in again", node.node)};
  }
  if (machine.record.frozen) return trouble_of(machine.record);
  return of(node);
}

nlohmann::json MachineTroubles::worst(std::size_t count) const {
  std::vector<std::pair<NodeName, MachineTrouble>> found;
  for (const auto& name : fleet_->current.clusters()) {
    const auto cluster = fleet_->current.cluster(name);
    if (!cluster) continue;
    const auto& out = cluster->banned_machines;
    for (const auto& [node, answer] : cluster->documents) {
      if (std::find(out.begin(), out.end(), node) != out.end()) continue;
      const auto trouble = of({name, node});
      if (trouble.weight > 0) found.push_back({{name, node}, trouble});
    }
  }
  const std::size_t shown = std::min(count, found.size());
  const auto is_worse = [](const auto& a, const auto& b) {
    if (a.second.weight != b.second.weight) return a.second.weight > b.second.weight;
    return std::tie(a.first.cluster, a.first.node) < std::tie(b.first.cluster, b.first.node);
  };
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(shown), found.end(),
                    is_worse);
  nlohmann::json rows = nlohmann::json::array();
  for (std::size_t i = 0; i < shown; ++i) {
    rows.push_back({{"cluster", found[i].first.cluster},
                    {"node", found[i].first.node},
                    {"reason", found[i].second.reason},
                    {"cure", found[i].second.cure}});
  }
  return rows;
}

nlohmann::json MachineTroubles::strangers(std::size_t count) const {
  nlohmann::json rows = nlohmann::json::array();
  for (auto at = strangers_.rbegin(); at != strangers_.rend() && rows.size() < count; ++at) {
    rows.push_back({{"source", at->source},
                    {"hostname", at->hostname},
                    {"reason", at->reason},
                    {"cure", at->cure},
                    {"last", at->last}});
  }
  return rows;
}

std::vector<MachineCount> count_machines(const Fleet& fleet) {
  std::vector<MachineCount> counts;
  for (const auto& name : fleet.current.clusters()) {
    const auto cluster = fleet.current.cluster(name);
    if (!cluster) continue;
    MachineCount& count = counts.emplace_back();
    count.cluster = name;
    int told = 0;
    fleet.reports.each_of(name, [&](const std::string& node, const HeardMachine& heard) {
      const auto served = cluster->documents.find(node);
      if (!heard.report || !served) return;
      if (knows_two_histories(*heard.report, *cluster, node)) ++count.two_histories;
      if (!heard.report->unwell.empty()) ++count.unwell;
      if (!heard.report->configuration) return;
      ++count.configurations[std::string(muster::name(*heard.report->configuration))];
      ++told;
    });
    const int unknown = static_cast<int>(cluster->documents.size()) - told;
    if (unknown > 0) count.configurations["unknown"] = unknown;
  }
  return counts;
}

}  // namespace muster
