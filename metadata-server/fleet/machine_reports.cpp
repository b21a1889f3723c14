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

// {"report": <report JSON text>, "seenAt": seconds, "boot": its timeline}
std::string to_text(const HeardMachine& machine) {
  return canonical_text({{"report", machine.report ? to_json(*machine.report) : std::string()},
                         {"seenAt", machine.seen_at},
                         {"boot", to_value(machine.boot)}});
}

// Programs before kind "served" was there wrote it as a field here.
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
  return machine.report && !machine.report->was_reset && !machine.report->is_stopping &&
         (machine.report->verdict == Verdict::converged ||
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

Result<void> MachineReports::load(const Store& store) {
  const auto reports = all_records(store, kinds::report);
  if (!reports) return pass(reports.error());
  const auto served = all_records(store, kinds::served);
  if (!served) return pass(served.error());
  std::map<std::string, Known> loaded;
  for (const auto& record : *reports) loaded[record.key].heard = parse(record.value);
  for (const auto& record : *served) loaded[record.key].heard.served = record.value;
  std::int64_t newest = 0;
  for (const auto& [key, known] : loaded) newest = std::max(newest, known.heard.seen_at);
  const std::lock_guard lock(mutex_);
  // Later listings are of this start.
  if (!heard_before_start_) heard_before_start_ = newest;
  for (const auto& [key, known] : machines_) {
    if (const auto same = loaded.find(key); same != loaded.end())
      same->second.heard.heard_at = known.heard.heard_at;
    if (known.unwritten == 0) continue;
    loaded[key].heard.served = known.heard.served;
    loaded[key].unwritten = known.unwritten;
  }
  machines_ = std::move(loaded);
  for (const auto& [key, known] : machines_) {
    if (const auto names = kinds::parse_pair_key(key)) ready_.insert(names->first);
  }
  return {};
}

Result<void> MachineReports::follow(const Commit& commit) {
  for (const auto& change : commit.changes) {
    if (change.kind == kinds::served) {
      take_served(change.key, change.value);
    } else if (change.kind == kinds::report && change.value) {
      take_report(change.key, *change.value);
    } else if ((change.kind == kinds::report || change.kind == kinds::machine) && !change.value) {
      forget(change.key);
    }
  }
  return {};
}

void MachineReports::forget(const std::string& key) {
  const std::lock_guard lock(mutex_);
  machines_.erase(key);
  // What was served before is no reason to write a record of a machine that is gone.
  std::erase_if(unwritten_, [&](const Served& row) { return key_of(row.node) == key; });
}

void MachineReports::take_report(const std::string& key, const std::string& text) {
  HeardMachine said = parse(text);
  said.heard_at = since_boot_();
  const std::lock_guard lock(mutex_);
  HeardMachine& machine = machines_[key].heard;
  const bool was_ready = is_ready(machine);
  said.served = std::move(machine.served);
  machine = std::move(said);
  if (was_ready || !is_ready(machine)) return;
  if (const auto names = kinds::parse_pair_key(key)) ready_.insert(names->first);
}

void MachineReports::take_served(const std::string& key, const std::optional<std::string>& digest) {
  const std::lock_guard lock(mutex_);
  const auto found = machines_.find(key);
  if (!digest) {
    if (found == machines_.end()) return;
    found->second.heard.served.clear();
    if (!found->second.heard.report) machines_.erase(found);
    return;
  }
  Known& known = machines_[key];
  if (known.unwritten == 0) known.heard.served = *digest;
}

std::int64_t MachineReports::newest() const {
  const std::lock_guard lock(mutex_);
  std::int64_t newest = 0;
  for (const auto& [key, known] : machines_) newest = std::max(newest, known.heard.seen_at);
  return newest;
}

void MachineReports::begin(std::int64_t since_boot) {
  const std::lock_guard lock(mutex_);
  begun_at_ = since_boot;
}

std::int64_t MachineReports::silence_of(const NodeName& node, TimePoint now,
                                        std::int64_t admitted_at) const {
  const std::optional<std::int64_t> heard_at = find(node).heard_at;
  const std::int64_t time = since_boot_();
  const std::lock_guard lock(mutex_);
  if (heard_at) return time - std::max(*heard_at, begun_at_);
  const std::int64_t silence = time - begun_at_;
  return admitted_at == 0 ? silence
                          : std::clamp<std::int64_t>(unix_seconds(now) - admitted_at, 0, silence);
}

std::int64_t MachineReports::silence_over_restarts(const NodeName& node, TimePoint now,
                                                   std::int64_t admitted_at) const {
  const HeardMachine heard = find(node);
  const std::int64_t silence = silence_of(node, now, admitted_at);
  if (heard.heard_at || heard.seen_at == 0) return silence;
  const std::lock_guard lock(mutex_);
  return silence + std::max<std::int64_t>(0, heard_before_start_.value_or(0) - heard.seen_at);
}

std::optional<std::int64_t> MachineReports::heard_ago(const HeardMachine& machine) const {
  if (!machine.heard_at) return std::nullopt;
  return since_boot_() - *machine.heard_at;
}

void MachineReports::write(const NodeName& node, const Report& report, TimePoint now,
                           Transaction& transaction) const {
  HeardMachine machine = find(node);
  machine.report = report;
  add_report(machine.boot, report);
  machine.seen_at = unix_seconds(now);
  transaction.put(kinds::report, key_of(node), to_text(machine));
}

void MachineReports::note_served(const NodeName& node, const std::string& digest, TimePoint now) {
  const std::lock_guard lock(mutex_);
  Known& known = machines_[key_of(node)];
  if (known.heard.served == digest) return;
  known.heard.served = digest;
  ++known.unwritten;
  unwritten_.push_back({node, digest, now});
}

Result<void> MachineReports::flush(Store& store) {
  for (;;) {
    std::vector<Served> rows;
    {
      const std::lock_guard lock(mutex_);
      const auto end = unwritten_.begin() + static_cast<std::ptrdiff_t>(
                                                std::min(unwritten_.size(), rows_per_transaction));
      rows.assign(unwritten_.begin(), end);
      unwritten_.erase(unwritten_.begin(), end);
    }
    if (rows.empty()) return {};
    Transaction transaction;
    for (const Served& row : rows) {
      append_audit(transaction, row.time,
                   fmt::format("machine {}/{}", row.node.cluster, row.node.node), "document-served",
                   key_of(row.node), row.digest);
      transaction.put(kinds::served, key_of(row.node), row.digest);
    }
    const auto written = store.commit(transaction);
    note_written(rows, written || is_committed(written.error()));
    if (!written) return pass(written.error());
  }
}

// Not kept: they wait for the next flush, since a store that is away must not cost the audit its
// rows.
void MachineReports::note_written(const std::vector<Served>& rows, bool is_kept) {
  const std::lock_guard lock(mutex_);
  if (!is_kept) {
    unwritten_.insert(unwritten_.begin(), rows.begin(), rows.end());
    return;
  }
  for (const Served& row : rows) {
    const auto found = machines_.find(key_of(row.node));
    if (found != machines_.end() && found->second.unwritten > 0) --found->second.unwritten;
  }
}

HeardMachine MachineReports::find(const NodeName& node) const {
  const std::lock_guard lock(mutex_);
  const auto found = machines_.find(key_of(node));
  return found == machines_.end() ? HeardMachine() : found->second.heard;
}

std::chrono::seconds MachineReports::poll_after(const NodeName& node) const {
  const int longest = static_cast<int>(longest_poll(find(node)).count());
  // Spread, so that machines that were switched on together do not ask together for ever.
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::chrono::seconds(
      std::uniform_int_distribution<int>((longest * 5 + 6) / 7, longest)(random));
}

std::set<std::string> MachineReports::take_ready() {
  const std::lock_guard lock(mutex_);
  return std::exchange(ready_, {});
}

void MachineReports::note_ready(const std::string& cluster) {
  const std::lock_guard lock(mutex_);
  ready_.insert(cluster);
}

}  // namespace muster
