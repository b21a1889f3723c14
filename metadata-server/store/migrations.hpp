// The SQLite schema's history. Each step takes a database from one schema version (PRAGMA
// user_version) to the next in one transaction; steps that were released are never edited.
#pragma once

#include "result/result.hpp"
#include "store/sqlite_connection.hpp"

namespace muster {

// What this program writes and the newest it can read.
[[nodiscard]] int newest_schema_version();
// conflict: the database is newer than this program. corrupt: its schema version cannot be read.
[[nodiscard]] Result<int> read_schema_version(SqliteConnection& connection);
// Applies every missing step. Idempotent; a step that fails leaves the version before it.
[[nodiscard]] Result<void> migrate(SqliteConnection& connection);

}  // namespace muster
