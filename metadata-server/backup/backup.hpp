// A backup of a running server: database, sealing key and settings in one file that only the
// recovery key opens.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "backup/backup_file.hpp"
#include "backup/recovery_key.hpp"
#include "document/trust_list.hpp"
#include "pki/sealed_box.hpp"
#include "result/file_descriptor.hpp"
#include "store/store.hpp"
#include "trust/site_keys.hpp"

namespace muster {

// Of the server that runs, what no room knows.
struct BackupSource {
  // A consistent copy while others write (store/sqlite_store). None: this server makes no backups.
  std::function<Result<void>(const std::string& path)> copy_database = {};
  std::string settings = {};
  std::string folder = {};         // where files of the database's size may lie for a moment
  ServerAddresses addresses = {};  // as the settings have them
  bool is_required = false;        // likewise: new machines wait for a backup of their cluster
  bool tells_copies = true;        // of the folder (store_mark)
};

struct MadeBackup {
  FileDescriptor file;  // of a file that has no name any more
  std::uint64_t size = 0;
  KeptBackup content;  // what is in it, for whoever will keep it
};
// conflict: no recovery key, or none that can be read; with the cure. One at a time.
[[nodiscard]] Result<MadeBackup> make_backup(const BackupSource& source, Store& store,
                                             const SealingKey& sealing, const SiteKeys& keys,
                                             TimePoint now);
// Of the server too: that its disk does not tell a copy of the store.
[[nodiscard]] Result<BackupStatus> backup_status(const BackupSource& source, const Store& store,
                                                 TimePoint now);
// "authority lab/etcd": what cannot be read, and CA keys that the sealing key does not open.
[[nodiscard]] Result<std::vector<std::string>> damaged_records(const Store& store,
                                                               const SealingKey& sealing);
// Of a server that was killed meanwhile.
void remove_unfinished_backups(const std::string& folder);

}  // namespace muster
