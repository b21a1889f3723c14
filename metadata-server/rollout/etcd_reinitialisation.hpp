// An operator's word that a cluster's etcd is gone for good: its masters may start another one
// (etcd_turn). It can be taken back until one of them was given the right to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "result/result.hpp"
#include "store/store.hpp"

namespace muster {

// The master that etcd was restored on from a snapshot, and when that was told (Unix
// milliseconds).
struct EtcdRestore {
  std::string node;  // empty: there is no snapshot
  std::int64_t at_ms = 0;
  std::string by = {};  // who ordered it
};

// Forgets that the cluster was ever initialised, until cancel_reinitialisation or a start.
// Restored: the others join that master's etcd, and give up what data they have. Else a member that
// still has data is believed, and masters without any start a new, empty etcd. The caller has asked
// the operator to confirm and writes the audit row in `transaction`.
[[nodiscard]] Result<void> reinitialise_etcd(Store& store, const std::string& cluster,
                                             const EtcdRestore& restore, Transaction& transaction);

// What was known before is known again. not_found: nothing was ordered; conflict: a master was
// given the right to start, or runs, so that there is another etcd.
[[nodiscard]] Result<void> cancel_reinitialisation(const Store& store, const std::string& cluster,
                                                   Transaction& transaction);

// An order whose etcd does not run yet; nothing: there is none.
struct PendingReinitialisation {
  std::int64_t ordered_at_ms = 0;
  std::string by, restored_on;
  bool can_be_cancelled = false;
};
[[nodiscard]] Result<std::optional<PendingReinitialisation>> find_reinitialisation(
    const Store& store, const std::string& cluster);

}  // namespace muster
