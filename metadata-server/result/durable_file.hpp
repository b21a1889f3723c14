// What makes a file survive a power cut: all bytes, fsync of the file, rename, fsync of the folder.
// Errors are those of errno, with the path. Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "result/result.hpp"

namespace muster {

// All of `bytes` to the open file `descriptor`, which `path` names in errors.
[[nodiscard]] Result<void> write_all(int descriptor, std::string_view bytes,
                                     const std::string& path);
// A file or a folder is on disk as it is now (fsync(2)).
[[nodiscard]] Result<void> sync_path(const std::string& path);
// The folder that holds `path`: after making, renaming or removing it.
[[nodiscard]] Result<void> sync_folder_of(const std::string& path);
// A file that was written under another name of the same file system takes its own, whole and for
// good: fsync, rename, fsync of the folder. What failed before the rename is still at `from`.
[[nodiscard]] Result<void> move_into_place(const std::string& from, const std::string& to);

}  // namespace muster
