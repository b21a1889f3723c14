// What is done to a site's state while no server runs: made, its site key moved, restored.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "pki/key_file.hpp"
#include "pki/sealed_box.hpp"
#include "settings.hpp"
#include "store/sqlite_store.hpp"
#include "trust/site_key_custody.hpp"

namespace muster {

// `muster-server init`: state folder (0700), sealing key, database, site. Idempotent.
// conflict: a store was here, and is gone.
struct InitialisedServer {
  std::string pin;
  // Made now and kept nowhere; the site has one already where there is none.
  std::optional<PrivateKey> recovery_key;
};
[[nodiscard]] Result<InitialisedServer> initialise_server(const Settings& settings);
// Backups open with it from now on. Only once it was shown: whatever ends init before that leaves a
// site without one, and the next init makes another. conflict: one was set meanwhile.
[[nodiscard]] Result<void> take_shown_recovery_key(const Settings& settings, const PrivateKey& key);

// `muster-server take-site-key` and `return-site-key` (trust/site_key_custody).
[[nodiscard]] Result<SiteKeyTaken> take_site_key(const Settings& settings, NewKeyFile file);
[[nodiscard]] Result<void> return_site_key(const Settings& settings, const PrivateKey& key);

// `muster-server restore` (backup/restore).
struct ServerRestore {
  std::string file, pin;
  std::string settings_path;  // written from the backup where it is missing
  PrivateKey recovery_key;
  bool may_move = false;  // to addresses that no machine knows
};
struct RestoredServer {
  std::string text;             // what there is to say
  std::string state_directory;  // by the settings in effect
};
// `given`: the settings that are there; none: the backup's, which are written.
[[nodiscard]] Result<RestoredServer> restore_server(const std::optional<Settings>& given,
                                                    const ServerRestore& order);
// `muster-server take-copy`: an older copy of the store, put back as it is, is taken in as if it
// had been restored.
[[nodiscard]] Result<std::string> take_copy(const Settings& settings);

struct OpenedStore {
  SealingKey sealing;
  std::unique_ptr<SqliteStore> store;
};
// not_found: no site yet.
[[nodiscard]] Result<OpenedStore> open_store(const Settings& settings);

}  // namespace muster
