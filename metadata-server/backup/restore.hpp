// A store that went back to an older state becomes one that may be served: it begins a new epoch,
// every cluster is sealed (records/seal), tokens and approvals are none any more, since those of
// then may have been used or taken back.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backup/backup_file.hpp"
#include "backup/recovery_key.hpp"
#include "records/seal.hpp"
#include "store/store.hpp"

namespace muster {

struct BegunAnew {
  std::uint64_t epoch = 0;
  std::vector<std::string> sealed;  // clusters
};
// `from`: the backup that has all of the store; none: a copy of it was put back. One transaction;
// then the store is the one that `mark` names.
[[nodiscard]] Result<BegunAnew> begin_anew(Store& store, const std::string& mark,
                                           const std::optional<KeptBackup>& from, TimePoint now);

struct RestoreOrder {
  std::string file, pin;
  const PrivateKey& recovery_key;
  // Where its parts go; none of them may be there.
  std::string database, sealing_key, mark;  // in folders that are there
  // Written from the backup where it is missing, with what is there kept; empty: not at all.
  std::string settings;
};
struct RestoredSite {
  BackupHeader header;
  BegunAnew begun;
  ServerAddresses known;  // by which machines know the server
  // By cluster: every machine that the backup knows.
  std::vector<std::string> machines;
  bool wrote_settings = false;
};
// Verifies, decrypts and lays down; the database gets its name last, so that a restore that was cut
// off is begun again. conflict: something is there already.
[[nodiscard]] Result<RestoredSite> restore_backup(const RestoreOrder& order, TimePoint now);

// Hosts that both have: the machines find the server by them. Empty: no machine does.
[[nodiscard]] std::vector<std::string> shared_addresses(const ServerAddresses& known,
                                                        const ServerAddresses& wanted);

}  // namespace muster
