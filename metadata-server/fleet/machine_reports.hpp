// What was last heard of each machine and what it was last served: in memory for answers, in the
// store (kind "report") for the next start. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "document/report.hpp"
#include "fleet/boot_timeline.hpp"
#include "inventory/match.hpp"
#include "pki/certificate.hpp"
#include "store/kinds.hpp"
#include "store/store.hpp"

namespace muster {

struct HeardMachine {
  std::optional<Report> report;  // the last one
  std::int64_t seen_at = 0;      // Unix seconds, of that report
  std::string served;            // digest of the document that it was last given
  BootTimeline boot;             // of its last boot
};

// Its node is Ready, as far as it knows.
[[nodiscard]] bool is_ready(const HeardMachine& machine);

// The longest time until its next poll that it is told: seconds while a bring-up step is awaited,
// half a minute after a failure, most of a minute when it has converged.
[[nodiscard]] std::chrono::seconds longest_poll(const HeardMachine& machine);

class MachineReports {
 public:
  explicit MachineReports(Store& store) : store_(store) {}
  [[nodiscard]] Result<void> load();
  // From now on machines can be heard: nobody's silence is older.
  void begin(TimePoint now);
  // Seconds since it was heard of, or could have been; since `admitted_at` (Unix seconds) for one
  // that never was.
  [[nodiscard]] std::int64_t silence_of(const NodeName& node, TimePoint now,
                                        std::int64_t admitted_at = 0) const;
  // Adds the report to a transaction. It is found once keep() said that the commit went through.
  void write(const NodeName& node, const Report& report, TimePoint now,
             Transaction& transaction) const;
  void keep(const NodeName& node, const Report& report, TimePoint now);
  // In memory at once; the audit row ("document-served", one per machine and digest) with the next
  // flush(), so that serving waits for no disk.
  void note_served(const NodeName& node, const std::string& digest, TimePoint now);
  // Writes what note_served() gathered, many machines to a transaction.
  [[nodiscard]] Result<void> flush();
  [[nodiscard]] HeardMachine find(const NodeName& node) const;
  // Calls `use(name, const HeardMachine&)` for each of the cluster's machines that were heard of or
  // are expected, without a copy; it must not call this object.
  template <class Use>
  void each_of(const std::string& cluster, Use use) const {
    const std::string prefix = kinds::prefix_of(cluster);
    const std::lock_guard lock(mutex_);
    for (auto at = machines_.lower_bound(prefix);
         at != machines_.end() && at->first.starts_with(prefix); ++at) {
      use(at->first.substr(prefix.size()), at->second);
    }
  }
  // When the machine should ask again: soon while it converges, about a minute, spread, when it
  // has.
  [[nodiscard]] std::chrono::seconds poll_after(const NodeName& node) const;
  void forget(const NodeName& node);

  // The newest word of a cluster's duties. Cost: the cluster's machines.
  [[nodiscard]] std::optional<DutiesReport> duties_of(const std::string& cluster) const;
  // Machines that enrolled or were served, and were not heard of since `cutoff`. In memory alone.
  [[nodiscard]] std::vector<NodeName> silent_since(TimePoint cutoff) const;
  // It enrolled: from now on it is missed.
  void expect(const NodeName& node);
  // Clusters of which a machine became Ready since the last call, and at first every one.
  [[nodiscard]] std::set<std::string> take_ready();
  void note_ready(const std::string& cluster);  // to be taken again

 private:
  struct Served {
    NodeName node;
    std::string digest;
    TimePoint time;
  };
  Store& store_;
  mutable std::mutex mutex_;
  std::map<std::string, HeardMachine> machines_;  // by "cluster/node"
  std::vector<Served> unwritten_;
  std::set<std::string> ready_;  // clusters
  std::int64_t begun_at_ = 0;    // Unix seconds
};

}  // namespace muster
