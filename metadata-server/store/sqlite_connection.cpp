#include "store/sqlite_connection.hpp"

#include <sqlite3.h>

#include <system_error>

namespace muster {

namespace {
ErrorKind kind_of(int code) {
  switch (code & 0xff) {
    case SQLITE_FULL:
    case SQLITE_NOMEM:
      return ErrorKind::exhausted;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorKind::corrupt;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorKind::unavailable;
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return ErrorKind::forbidden;
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
    case SQLITE_ERROR:
      return ErrorKind::internal;
    default:
      return ErrorKind::io;
  }
}

// What a person can do about it; empty where the message of SQLite says it all.
std::string_view cure_of(int code) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
      return "; another process uses this file: stop it first";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return "; restore the newest backup";
    default:
      return "";
  }
}

// Which file the system refused, and why: SQLite's own word is "disk I/O error" for all of it.
std::string place_of(sqlite3* database, int code) {
  const int kind = code & 0xff;
  const bool is_of_file = kind == SQLITE_IOERR || kind == SQLITE_READONLY ||
                          kind == SQLITE_CANTOPEN || kind == SQLITE_FULL;
  if (!is_of_file || database == nullptr) return {};
  const char* path = sqlite3_db_filename(database, "main");
  if (path == nullptr || *path == '\0') return {};
  if (kind == SQLITE_FULL)
    return fmt::format(
        "; no space is left (ENOSPC) for '{}' or a file beside it: free some there, nothing was written",
        path);
  return fmt::format(
      "; '{}' or a file beside it; let its file system be writable, with room and without a limit, and look into the kernel's log for a failing disk",
      path);
}
}  // namespace

tl::unexpected<Error> fail_sqlite(sqlite3* database, int code, std::string_view doing) {
  // What failed may not have told the connection, as a copy's step does not: its word is then that
  // of a call before, "not an error".
  const bool is_told = database != nullptr && (sqlite3_errcode(database) & 0xff) == (code & 0xff);
  const char* text = is_told ? sqlite3_errmsg(database) : sqlite3_errstr(code);
  return fail(kind_of(code),
              fmt::format("{}: {}{}{}", doing, text, cure_of(code), place_of(database, code)));
}

SqliteStatement::SqliteStatement(SqliteStatement&& other) noexcept : statement_(other.statement_) {
  other.statement_ = nullptr;
}

SqliteStatement::~SqliteStatement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

SqliteStatement& SqliteStatement::bind(int parameter, std::string_view text) {
  // An empty view may carry a null pointer, which SQLite would bind as NULL.
  const char* bytes = text.data() == nullptr ? "" : text.data();
  sqlite3_bind_text64(statement_, parameter, bytes, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

SqliteStatement& SqliteStatement::bind_bytes(int parameter, std::string_view bytes) {
  const char* start = bytes.data() == nullptr ? "" : bytes.data();
  sqlite3_bind_blob64(statement_, parameter, start, bytes.size(), SQLITE_STATIC);
  return *this;
}

SqliteStatement& SqliteStatement::bind(int parameter, std::uint64_t number) {
  sqlite3_bind_int64(statement_, parameter, static_cast<sqlite3_int64>(number));
  return *this;
}

Result<bool> SqliteStatement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return fail_sqlite(sqlite3_db_handle(statement_), code, "store");
}

std::string SqliteStatement::column_bytes(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), size);
}

std::uint64_t SqliteStatement::column_number(int column) const {
  return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column));
}

Result<SqliteConnection> SqliteConnection::open(const std::string& path) {
  sqlite3* raw = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  std::shared_ptr<sqlite3> database(raw, sqlite3_close_v2);
  if (code != SQLITE_OK) return fail_sqlite(raw, code, "opening");
  sqlite3_busy_timeout(raw, 5000);
  SqliteConnection connection(std::move(database));
  // Before anything is read: the write-ahead log's index then lives in this process' memory (no
  // shared memory map), and no second connection can race a checkpoint.
  for (const char* setting :
       {"PRAGMA locking_mode = EXCLUSIVE", "PRAGMA foreign_keys = ON", "PRAGMA secure_delete = ON",
        "PRAGMA mmap_size = 0", "PRAGMA trusted_schema = OFF", "PRAGMA cell_size_check = ON",
        "BEGIN EXCLUSIVE; COMMIT"}) {
    if (auto set = connection.execute(setting); !set) return pass(set.error());
  }
  return connection;
}

Result<void> SqliteConnection::use_write_ahead_log() {
  auto mode = read_text("PRAGMA journal_mode = WAL");
  if (!mode) return pass(mode.error());
  if (*mode != "wal") {
    return fail(
        ErrorKind::io,
        fmt::format(
            "journal mode: expected 'wal', found '{}'; keep the store on a local file system",
            *mode));
  }
  return execute("PRAGMA synchronous = FULL");
}

Result<void> SqliteConnection::execute(const char* sql) {
  const int code = sqlite3_exec(native(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return fail_sqlite(native(), code, "store");
  return {};
}

Result<std::int64_t> SqliteConnection::read_number(const char* sql) {
  auto statement = prepare(sql);
  if (!statement) return pass(statement.error());
  auto row = statement->step();
  if (!row) return pass(row.error());
  return static_cast<std::int64_t>(statement->column_number(0));
}

Result<std::string> SqliteConnection::read_text(const char* sql) {
  auto statement = prepare(sql);
  if (!statement) return pass(statement.error());
  auto row = statement->step();
  if (!row) return pass(row.error());
  return statement->column_bytes(0);
}

Result<SqliteStatement> SqliteConnection::prepare(const char* sql) {
  auto& cached = statements_[sql];
  if (!cached) {
    sqlite3_stmt* statement = nullptr;
    const int code =
        sqlite3_prepare_v3(native(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code != SQLITE_OK) return fail_sqlite(native(), code, "store");
    cached = std::shared_ptr<sqlite3_stmt>(statement, sqlite3_finalize);
  }
  return SqliteStatement(cached.get());
}

void SqliteConnection::roll_back() {
  if (sqlite3_get_autocommit(native()) == 0) {
    sqlite3_exec(native(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
}

}  // namespace muster
