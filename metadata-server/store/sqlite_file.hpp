// The SQLite file as a file: made, checked and copied.
#pragma once

#include <mutex>
#include <string>

#include "result/result.hpp"
#include "store/sqlite_connection.hpp"

namespace muster {

// "Must": marks a database as ours (PRAGMA application_id).
inline constexpr std::int64_t sqlite_application_id = 0x4d757374;

// Makes a database with the newest schema: complete before it has its name, so that a crash never
// leaves an empty file that looks like a new site. not_found: the folder does not exist.
[[nodiscard]] Result<void> create_sqlite_file(const std::string& path);
// corrupt: a page is damaged, missing, or the file is not a store of ours.
[[nodiscard]] Result<void> check_sqlite_file(SqliteConnection& connection);
// Copies page by page, holding `mutex` for a few pages at a time. Whole, or nothing is left of it.
[[nodiscard]] Result<void> copy_sqlite_file(SqliteConnection& source, std::mutex& mutex,
                                            const std::string& target);

}  // namespace muster
