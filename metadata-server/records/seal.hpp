// What a restore leaves behind: a cluster is sealed, from the restore until an operator opens it.
// Nothing is published for it by itself, its machines are served nothing and nobody is let in,
// while they show what they hold that the backup does not know. Kind "sealed", key the cluster; of
// the restore itself kind "site", key "restored".
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "document/held.hpp"
#include "store/store.hpp"

namespace muster {

struct Restored {
  std::int64_t at = 0;         // Unix seconds
  std::int64_t backup_at = 0;  // when the backup was made; 0: a plain copy was taken in
  std::uint64_t epoch = 0;
};
[[nodiscard]] Result<std::optional<Restored>> find_restored(const Store& store);
[[nodiscard]] Result<void> check_restored_record(std::string_view json);
void put_restored(const Restored& restored, Transaction& transaction);

struct Seal {
  std::int64_t since = 0;  // Unix seconds
  // The number of the cluster's last publication: what is not above it was known here already.
  std::uint64_t generation = 0;
  // Of the documents that its masters had.
  std::map<std::string, std::int64_t> masters = {};
  bool is_unread = false;  // it seals all the same; what it knew is lost
};
void seal_cluster(const std::string& cluster, const Seal& seal, Transaction& transaction);
[[nodiscard]] Result<void> check_seal_record(std::string_view json);
[[nodiscard]] Result<std::optional<Seal>> find_seal(const Store& store, const std::string& cluster);
[[nodiscard]] Result<std::vector<std::string>> sealed_clusters(const Store& store);
// Refusal `sealed` (unavailable: it goes on by itself once an operator opened it).
[[nodiscard]] Result<void> check_not_sealed(const Store& store, const std::string& cluster);
// The same, and the commit fails with conflict where the cluster is sealed meanwhile.
[[nodiscard]] Result<void> expect_not_sealed(const Store& store, const std::string& cluster,
                                             Transaction& transaction);
// A machine with an identity that this site issued after the backup was made, of a cluster that the
// store does not have: its keys are lost. Noted once; any other machine is not. Kind "lost", key
// "<cluster>/<node>".
[[nodiscard]] Result<void> note_lost(Store& store, const std::string& cluster,
                                     const std::string& node, std::int64_t issued_at);
// Machines by cluster, for as long as there is no cluster of that name here.
[[nodiscard]] Result<std::map<std::string, std::vector<std::string>>> lost_clusters(
    const Store& store);
[[nodiscard]] Error is_sealed(const std::string& cluster);

// A master that nobody had heard of when its cluster was opened: it shows what it holds before it
// is served anything, since it alone may know of a ban. Kind "unheard", key "<cluster>/<node>".
struct Unheard {
  std::int64_t since = 0;                          // when the cluster was opened, Unix seconds
  std::uint64_t generation = 0;                    // as Seal has it
  std::int64_t own = 0;                            // of its own document, likewise
  std::map<std::string, std::int64_t> asked = {};  // fingerprint of a key -> since when it is asked
};
struct FoundUnheard {
  Unheard unheard;
  std::uint64_t version = 0;
};
[[nodiscard]] Result<std::optional<FoundUnheard>> find_unheard(const Store& store,
                                                               const std::string& cluster,
                                                               const std::string& node);
void put_unheard(const std::string& cluster, const std::string& node, const Unheard& unheard,
                 Transaction& transaction);

}  // namespace muster
