// A folder of one site's backups: new names in it, and which of them stay. By what is in the files,
// since their names and times are a clock's, and of some machine's. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "result/file_descriptor.hpp"
#include "result/result.hpp"

namespace muster {

struct NewBackup {
  std::string path;
  FileDescriptor file;  // open on what has the name `unfinished` until it is whole
};
[[nodiscard]] std::string unfinished(const std::string& path);
// Locked for as long as it is written: what a killed one left is not. conflict: it is there.
[[nodiscard]] Result<NewBackup> create_backup(const std::string& path);
// Named by the time: "muster-20261202T013000Z.backup", and of one second more "...Z-2.backup". What
// killed ones left unfinished goes.
[[nodiscard]] Result<NewBackup> create_backup_in(const std::string& folder);

struct FolderPolicy {
  std::string folder;
  std::size_t keep = 14;
};
// All but the newest go; what has no such name, is no backup or another site's is not counted.
// Always stay: what was just made, what counts (by its revision), and the newest that has every
// record whole.
[[nodiscard]] Result<void> remove_older(const FolderPolicy& policy, const std::string& made,
                                        std::int64_t counting_revision);

}  // namespace muster
