// What was last heard of each machine and what it was last served: in memory for answers. Fed by
// the store's feed (kinds "report" and "served", and where a "machine" goes). Only in memory are
// what was served since the last flush(), and since when machines can be heard. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "document/report.hpp"
#include "fleet/boot_timeline.hpp"
#include "fleet/site_clock.hpp"
#include "inventory/match.hpp"
#include "pki/certificate.hpp"
#include "store/kinds.hpp"
#include "store/views.hpp"

namespace muster {

struct HeardMachine {
  std::optional<Report> report;  // the last one
  std::int64_t seen_at = 0;      // Unix seconds, of that report
  // Of the last one since the start, seconds since boot: for its silence.
  std::optional<std::int64_t> heard_at;
  std::string served;  // digest of the document that it was last given
  BootTimeline boot;   // of its last boot
};

// Its node is Ready, as far as it knows.
[[nodiscard]] bool is_ready(const HeardMachine& machine);

// The longest time until its next poll that it is told: seconds while a bring-up step is awaited,
// half a minute after a failure, most of a minute when it has converged.
[[nodiscard]] std::chrono::seconds longest_poll(const HeardMachine& machine);

class MachineReports final : public View {
 public:
  // `since_boot`: seconds (fleet/site_clock). Silence is measured by it, so that nobody is silent
  // because the clock was set.
  explicit MachineReports(
      std::function<std::int64_t()> since_boot = clocks_of_this_machine().since_boot)
      : since_boot_(std::move(since_boot)) {}
  [[nodiscard]] Result<void> load(const Store& store) override;
  [[nodiscard]] Result<void> follow(const Commit& commit) override;
  // When any machine was last heard of, Unix seconds; 0: none was.
  [[nodiscard]] std::int64_t newest() const;
  // From now on machines can be heard: nobody's silence is older.
  void begin(std::int64_t since_boot);
  // Seconds since it was heard of, or could have been; since `admitted_at` (Unix seconds) for one
  // that never was.
  [[nodiscard]] std::int64_t silence_of(const NodeName& node, TimePoint now,
                                        std::int64_t admitted_at = 0) const;
  // The same for who is to start anew: what it was silent before this server's start counts too, as
  // far as others were heard meanwhile.
  [[nodiscard]] std::int64_t silence_over_restarts(const NodeName& node, TimePoint now,
                                                   std::int64_t admitted_at) const;
  // Seconds since its last report; nothing: there was none since the start.
  [[nodiscard]] std::optional<std::int64_t> heard_ago(const HeardMachine& machine) const;
  // Adds the report to a transaction.
  void write(const NodeName& node, const Report& report, TimePoint now,
             Transaction& transaction) const;
  // In memory at once; the audit row ("document-served", one per machine and digest) with the next
  // flush(), so that serving waits for no disk.
  void note_served(const NodeName& node, const std::string& digest, TimePoint now);
  // Writes what note_served() gathered, many machines to a transaction. After an error the rest
  // waits for the next one.
  [[nodiscard]] Result<void> flush(Store& store);
  [[nodiscard]] HeardMachine find(const NodeName& node) const;
  // Calls `use(name, const HeardMachine&)` for each of the cluster's machines that were heard of or
  // served, without a copy; it must not call this object.
  template <class Use>
  void each_of(const std::string& cluster, Use use) const {
    const std::string prefix = kinds::prefix_of(cluster);
    const std::lock_guard lock(mutex_);
    for (auto at = machines_.lower_bound(prefix);
         at != machines_.end() && at->first.starts_with(prefix); ++at) {
      use(at->first.substr(prefix.size()), at->second.heard);
    }
  }
  // When the machine should ask again: soon while it converges, about a minute, spread, when it
  // has.
  [[nodiscard]] std::chrono::seconds poll_after(const NodeName& node) const;

  // Clusters of which a machine became Ready since the last call, and at first every one.
  [[nodiscard]] std::set<std::string> take_ready();
  void note_ready(const std::string& cluster);  // to be taken again

 private:
  const std::function<std::int64_t()> since_boot_;
  struct Served {
    NodeName node;
    std::string digest;
    TimePoint time;
  };
  struct Known {
    HeardMachine heard;
    std::size_t unwritten = 0;  // rows of unwritten_, or on their way: memory knows better
  };
  void forget(const std::string& key);
  void take_report(const std::string& key, const std::string& text);
  void take_served(const std::string& key, const std::optional<std::string>& digest);
  void note_written(const std::vector<Served>& rows, bool is_kept);

  mutable std::mutex mutex_;
  std::map<std::string, Known> machines_;  // by "cluster/node"
  std::vector<Served> unwritten_;
  std::set<std::string> ready_;  // clusters
  std::int64_t begun_at_ = 0;    // since boot
  // Unix seconds: when anybody was last heard of before this start.
  std::optional<std::int64_t> heard_before_start_;
};

}  // namespace muster
