// What was last heard of each machine and what it was last served: in memory for answers, in the
// store (kind "report") for the next start. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "document/report.hpp"
#include "inventory/match.hpp"
#include "pki/certificate.hpp"
#include "store/store.hpp"

namespace muster {

struct HeardMachine {
  std::optional<Report> report;  // the last one
  std::int64_t seen_at = 0;      // Unix seconds, of that report
  std::string served;            // digest of the document that it was last given
};

class MachineReports {
 public:
  explicit MachineReports(Store& store) : store_(store) {}
  [[nodiscard]] Result<void> load();
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
  // When the machine should ask again: soon while it converges, about a minute, spread, when it
  // has.
  [[nodiscard]] std::chrono::seconds poll_after(const NodeName& node) const;
  void forget(const NodeName& node);

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
};

}  // namespace muster
