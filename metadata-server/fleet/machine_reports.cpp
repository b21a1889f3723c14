#include "fleet/machine_reports.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>
#include <utility>

#include "document/strict_json.hpp"
#include "pki/unix_seconds.hpp"
#include "records/all_records.hpp"
#include "records/audit.hpp"

namespace muster {
namespace {

constexpr std::size_t rows_per_transaction = 500;

std::string key_of(const NodeName& node) {
  return kinds::pair_key(node.cluster, node.node);
}

// {"report": <report JSON text>, "seenAt": seconds, "served": digest, "boot": its timeline}
std::string to_text(const HeardMachine& machine) {
  return canonical_text({{"report", machine.report ? to_json(*machine.report) : std::string()},
                         {"seenAt", machine.seen_at},
                         {"served", machine.served},
                         {"boot", to_value(machine.boot)}});
}

HeardMachine parse(const std::string& text) {
  HeardMachine machine;
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return machine;
  machine.seen_at = json.value("seenAt", std::int64_t{0});
  machine.served = json.value("served", std::string());
  machine.boot = boot_timeline_of(json.value("boot", nlohmann::json()));
  // A report of an older format is no reason to stop: the machine sends the next one soon.
  if (auto report = parse_report(json.value("report", std::string())))
    machine.report = std::move(*report);
  return machine;
}

}  // namespace

bool is_ready(const HeardMachine& machine) {
  return machine.report && (machine.report->verdict == Verdict::converged ||
                            machine.report->verdict == Verdict::pending_changes);
}

std::chrono::seconds longest_poll(const HeardMachine& machine) {
  constexpr std::chrono::seconds awaited{2}, failed{30}, of_master{25}, of_node{55};
  if (!machine.report) return awaited;
  if (machine.report->verdict == Verdict::failed) return failed;
  if (!is_ready(machine)) return awaited;
  // Whoever has an API server carries bans to it: they hold within half a minute.
  return machine.report->etcd_member_id.empty() ? of_node : of_master;
}

Result<void> MachineReports::load() {
  const auto records = all_records(store_, kinds::report);
  if (!records) return pass(records.error());
  const std::lock_guard lock(mutex_);
  for (const auto& record : *records) {
    machines_[record.key] = parse(record.value);
    if (const auto names = kinds::parse_pair_key(record.key)) ready_.insert(names->first);
  }
  return {};
}

void MachineReports::begin(TimePoint now) {
  const std::lock_guard lock(mutex_);
  begun_at_ = unix_seconds(now);
}

std::int64_t MachineReports::silence_of(const NodeName& node, TimePoint now,
                                        std::int64_t admitted_at) const {
  const std::int64_t seen_at = find(node).seen_at;
  const std::lock_guard lock(mutex_);
  return unix_seconds(now) - std::max({seen_at, begun_at_, admitted_at});
}

void MachineReports::write(const NodeName& node, const Report& report, TimePoint now,
                           Transaction& transaction) const {
  HeardMachine machine = find(node);
  machine.report = report;
  add_report(machine.boot, report);
  machine.seen_at = unix_seconds(now);
  transaction.put(kinds::report, key_of(node), to_text(machine));
}

void MachineReports::keep(const NodeName& node, const Report& report, TimePoint now) {
  const std::lock_guard lock(mutex_);
  HeardMachine& machine = machines_[key_of(node)];
  const bool was_ready = is_ready(machine);
  machine.report = report;
  add_report(machine.boot, report);
  machine.seen_at = unix_seconds(now);
  if (!was_ready && is_ready(machine)) ready_.insert(node.cluster);
}

void MachineReports::note_served(const NodeName& node, const std::string& digest, TimePoint now) {
  const std::lock_guard lock(mutex_);
  HeardMachine& machine = machines_[key_of(node)];
  if (machine.served == digest) return;
  machine.served = digest;
  unwritten_.push_back({node, digest, now});
}

Result<void> MachineReports::flush() {
  std::vector<Served> rows;
  {
    const std::lock_guard lock(mutex_);
    rows.swap(unwritten_);
  }
  for (std::size_t i = 0; i < rows.size();) {
    Transaction transaction;
    for (std::size_t n = 0; n < rows_per_transaction && i < rows.size(); ++n, ++i) {
      const Served& row = rows[i];
      append_audit(transaction, row.time,
                   fmt::format("machine {}/{}", row.node.cluster, row.node.node), "document-served",
                   key_of(row.node), row.digest);
      transaction.put(kinds::report, key_of(row.node), to_text(find(row.node)));
    }
    if (auto written = store_.commit(transaction); !written) {
      // Kept for the next flush: a store that is away must not cost the audit its rows.
      const std::lock_guard lock(mutex_);
      unwritten_.insert(unwritten_.begin(), rows.begin(), rows.end());
      return written;
    }
  }
  return {};
}

HeardMachine MachineReports::find(const NodeName& node) const {
  const std::lock_guard lock(mutex_);
  const auto found = machines_.find(key_of(node));
  return found == machines_.end() ? HeardMachine() : found->second;
}

std::chrono::seconds MachineReports::poll_after(const NodeName& node) const {
  const int longest = static_cast<int>(longest_poll(find(node)).count());
  // Spread, so that machines that were switched on together do not ask together for ever.
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::chrono::seconds(
      std::uniform_int_distribution<int>((longest * 5 + 6) / 7, longest)(random));
}

std::optional<DutiesReport> MachineReports::duties_of(const std::string& cluster) const {
  const std::string prefix = kinds::prefix_of(cluster);
  const std::lock_guard lock(mutex_);
  const HeardMachine* newest = nullptr;
  for (auto at = machines_.lower_bound(prefix);
       at != machines_.end() && at->first.starts_with(prefix); ++at) {
    const HeardMachine& machine = at->second;
    if (!machine.report || !machine.report->duties) continue;
    if (newest == nullptr || machine.seen_at >= newest->seen_at) newest = &machine;
  }
  if (newest == nullptr) return std::nullopt;
  return newest->report->duties;
}

std::vector<NodeName> MachineReports::silent_since(TimePoint cutoff) const {
  const std::int64_t seconds = unix_seconds(cutoff);
  std::vector<NodeName> silent;
  const std::lock_guard lock(mutex_);
  for (const auto& [key, machine] : machines_) {
    if (machine.seen_at >= seconds) continue;
    if (auto names = kinds::parse_pair_key(key)) silent.push_back({names->first, names->second});
  }
  return silent;
}

void MachineReports::expect(const NodeName& node) {
  const std::lock_guard lock(mutex_);
  machines_.try_emplace(key_of(node));
}

std::set<std::string> MachineReports::take_ready() {
  const std::lock_guard lock(mutex_);
  return std::exchange(ready_, {});
}

void MachineReports::note_ready(const std::string& cluster) {
  const std::lock_guard lock(mutex_);
  ready_.insert(cluster);
}

void MachineReports::forget(const NodeName& node) {
  const std::lock_guard lock(mutex_);
  machines_.erase(key_of(node));
  // What was served before is no reason to write a record of a machine that is gone.
  std::erase_if(unwritten_, [&](const Served& row) { return row.node == node; });
}

}  // namespace muster
