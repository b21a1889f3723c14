// Which recovery key backups are encrypted to, which backup was made and which kept last: kind
// "site", keys "recovery", "backup-made" and "backup". The private key is the operator's alone.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pki/certificate.hpp"
#include "store/store.hpp"

namespace muster {

struct RecoveryKey {
  Certificate certificate;
  std::int64_t since = 0;  // Unix seconds

  [[nodiscard]] std::string fingerprint() const { return certificate.public_key().fingerprint(); }
};
[[nodiscard]] Result<std::optional<RecoveryKey>> find_recovery_key(const Store& store);
// Later backups open with this one alone. invalid: no certificate of a P-256 key.
[[nodiscard]] Result<void> set_recovery_key(Store& store, const std::string& certificate_pem,
                                            const std::string& actor, TimePoint now);

// conflict: the site has one.
[[nodiscard]] Result<void> set_first_recovery_key(Store& store, const std::string& certificate_pem,
                                                  const std::string& actor, TimePoint now);

// The last one that somebody said he keeps.
struct KeptBackup {
  std::uint64_t revision = 0;  // of the store: what is newer is not in it
  std::int64_t made_at = 0;    // Unix seconds
  std::string recovery_key;    // fingerprint
  std::string digest;          // of the file
  // "authority lab/etcd": could not be read when it was made, and is in it no better.
  std::vector<std::string> damaged = {};
};
[[nodiscard]] Result<std::optional<KeptBackup>> find_kept_backup(const Store& store);
// It was handed out: it counts once whoever asked for it says that he keeps it, by its digest.
// not_found: another one was handed out since.
[[nodiscard]] Result<void> note_made_backup(Store& store, const KeptBackup& backup,
                                            const std::string& actor, TimePoint now);
[[nodiscard]] Result<KeptBackup> note_kept_backup(Store& store, const std::string& digest,
                                                  const std::string& actor, TimePoint now);
// For a store that was restored: all that it has is in the backup that it came from.
void put_kept_backup(const KeptBackup& backup, Transaction& transaction);

// What of the site is in no backup: whoever loses the server loses it.
struct BackupStatus {
  std::optional<RecoveryKey> key;
  std::optional<KeptBackup> last;
  // Owners of an authority that is in none, by name; "-" are the site's own.
  std::vector<std::string> unsaved;
  // Those, and what only a backup has that does not open with today's recovery key.
  std::vector<std::string> unrecoverable;
  // For people; empty where all is well.
  std::string message, cure;
};
// Backups are made by the hour (units/muster-backup.timer): a day without one is none that works.
inline constexpr std::chrono::hours oldest_backup{24};
// `is_required`: new machines wait for a backup of their cluster (the settings' `backup`).
[[nodiscard]] Result<BackupStatus> backup_status(const Store& store, TimePoint now,
                                                 bool is_required = false);
// All authorities of that cluster are in the backup that is kept.
[[nodiscard]] Result<bool> is_backed_up(const Store& store, const std::string& cluster);

}  // namespace muster
