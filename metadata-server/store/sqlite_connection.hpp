// One SQLite connection with its prepared statements, and SQLite's result codes as Errors. Not
// thread-safe: SqliteStore guards it with its mutex.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "result/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace muster {

// One use of a cached prepared statement; given back, reset, when it goes out of scope.
class SqliteStatement {
 public:
  explicit SqliteStatement(sqlite3_stmt* statement) : statement_(statement) {}
  ~SqliteStatement();
  SqliteStatement(SqliteStatement&& other) noexcept;
  SqliteStatement& operator=(SqliteStatement&&) = delete;
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;

  // Parameters count from 1. The text must outlive the statement's use.
  SqliteStatement& bind(int parameter, std::string_view text);
  SqliteStatement& bind_bytes(int parameter, std::string_view bytes);
  SqliteStatement& bind(int parameter, std::uint64_t number);
  // true: there is a row to read; false: done.
  [[nodiscard]] Result<bool> step();
  // Columns count from 0.
  [[nodiscard]] std::string column_bytes(int column) const;
  [[nodiscard]] std::uint64_t column_number(int column) const;

 private:
  sqlite3_stmt* statement_;
};

class SqliteConnection {
 public:
  // The file must exist. Takes an exclusive lock (a second process on the same file gets
  // unavailable) and switches the memory map off.
  [[nodiscard]] static Result<SqliteConnection> open(const std::string& path);
  // A commit is on disk when it returns: WAL, synchronous=FULL.
  [[nodiscard]] Result<void> use_write_ahead_log();

  [[nodiscard]] Result<void> execute(const char* sql);  // several statements, no rows wanted
  [[nodiscard]] Result<std::int64_t> read_number(const char* sql);
  [[nodiscard]] Result<std::string> read_text(const char* sql);
  // `sql` must be a literal: the cache keeps its address.
  [[nodiscard]] Result<SqliteStatement> prepare(const char* sql);
  void roll_back();  // harmless where there is no transaction
  [[nodiscard]] sqlite3* native() const { return database_.get(); }

 private:
  explicit SqliteConnection(std::shared_ptr<sqlite3> database) : database_(std::move(database)) {}
  // Order matters: statements must go before the database closes.
  std::shared_ptr<sqlite3> database_;
  std::map<const char*, std::shared_ptr<sqlite3_stmt>> statements_;
};

// exhausted: disk full; corrupt; unavailable: held by another process; io: everything else.
[[nodiscard]] tl::unexpected<Error> fail_sqlite(sqlite3* database, int code,
                                                std::string_view doing);

}  // namespace muster
