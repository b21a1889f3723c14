#include "store/sqlite_store.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "store/migrations.hpp"
#include "store/sqlite_file.hpp"

namespace muster {

namespace {
// The smallest text greater than every text that starts with `prefix`; empty: there is none.
std::string end_of_prefix(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff) end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
  return end;
}

Result<std::uint64_t> version_of(SqliteConnection& connection, std::string_view kind,
                                 std::string_view key) {
  auto statement = connection.prepare("SELECT version FROM records WHERE kind = ?1 AND key = ?2");
  if (!statement) return pass(statement.error());
  auto row = statement->bind(1, kind).bind(2, key).step();
  if (!row) return pass(row.error());
  return *row ? statement->column_number(0) : 0;
}

Result<std::uint64_t> next_revision(SqliteConnection& connection) {
  auto statement = connection.prepare(
      "UPDATE store_revision SET value = value + 1 WHERE one = 1 RETURNING value");
  if (!statement) return pass(statement.error());
  auto row = statement->step();
  if (!row) return pass(row.error());
  const std::uint64_t revision = statement->column_number(0);
  if (auto done = statement->step(); !done) return pass(done.error());
  return revision;
}

Result<void> write_change(SqliteConnection& connection, const Transaction::Change& change,
                          std::uint64_t revision) {
  auto statement = connection.prepare(
      change.value
          ? "INSERT INTO records(kind, key, value, version) VALUES(?1, ?2, ?3, ?4) ON CONFLICT(kind, key) DO UPDATE SET value = ?3, version = ?4"
          : "DELETE FROM records WHERE kind = ?1 AND key = ?2");
  if (!statement) return pass(statement.error());
  statement->bind(1, change.kind).bind(2, change.key);
  if (change.value) statement->bind_bytes(3, *change.value).bind(4, revision);
  if (auto done = statement->step(); !done) return pass(done.error());
  return {};
}

Result<void> prepare_file(SqliteConnection& connection, const std::string& path) {
  if (auto checked = check_sqlite_file(connection); !checked) return checked;
  auto version = read_schema_version(connection);
  if (!version) return pass(version.error());
  if (*version == newest_schema_version()) return {};
  std::mutex nobody_else;
  const std::string backup = fmt::format("{}.before-{}", path, newest_schema_version());
  if (auto copied = copy_sqlite_file(connection, nobody_else, backup); !copied) {
    return while_doing(copied.error(), "backing up before a migration");
  }
  return migrate(connection);
}
}  // namespace

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const std::string& path, OpenMode mode,
                                                       FeedLimits limits) {
  const std::string doing = fmt::format("opening the store '{}'", path);
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno != ENOENT && errno != ENOTDIR) return fail_errno(errno, doing);
    if (mode == OpenMode::must_exist) {
      return fail(
          ErrorKind::not_found,
          fmt::format(
              "{}: no such file; run `muster init` for a new site, restore a backup, or correct stateDirectory in the server's settings",
              doing));
    }
    if (auto created = create_sqlite_file(path); !created)
      return while_doing(created.error(), doing);
  } else if ((status.st_mode & 077) != 0 && ::chmod(path.c_str(), 0600) != 0) {
    return fail_errno(errno, fmt::format("{}: setting mode 0600", doing));
  }
  auto connection = SqliteConnection::open(path);
  if (!connection) return while_doing(connection.error(), doing);
  if (auto ready = prepare_file(*connection, path); !ready)
    return while_doing(ready.error(), doing);
  if (auto durable = connection->use_write_ahead_log(); !durable) {
    return while_doing(durable.error(), doing);
  }
  const auto revision = connection->read_number("SELECT value FROM store_revision");
  if (!revision) return while_doing(revision.error(), doing);
  return std::unique_ptr<SqliteStore>(
      new SqliteStore(path, std::move(*connection), limits, static_cast<std::uint64_t>(*revision)));
}

Result<Record> SqliteStore::get(std::string_view kind, std::string_view key) const {
  const std::lock_guard lock(mutex_);
  auto statement =
      connection_.prepare("SELECT value, version FROM records WHERE kind = ?1 AND key = ?2");
  if (!statement) return pass(statement.error());
  auto row = statement->bind(1, kind).bind(2, key).step();
  if (!row) return while_doing(row.error(), fmt::format("reading {} '{}'", kind, key));
  if (!*row) return no_record(kind, key);
  return Record{std::string(key), statement->column_bytes(0), statement->column_number(1)};
}

Result<std::vector<Record>> SqliteStore::list(std::string_view kind, std::string_view prefix,
                                              std::string_view after, std::size_t limit) const {
  const std::string end = end_of_prefix(prefix);
  const std::lock_guard lock(mutex_);
  auto statement = connection_.prepare(
      "SELECT key, value, version FROM records WHERE kind = ?1 AND key >= ?2 AND key > ?3 AND (?4 = '' OR key < ?4) ORDER BY key LIMIT ?5");
  if (!statement) return pass(statement.error());
  constexpr std::uint64_t everything = 1ULL << 62;
  statement->bind(1, kind).bind(2, prefix).bind(3, after).bind(4, end);
  statement->bind(5, std::min<std::uint64_t>(limit, everything));
  std::vector<Record> records;
  while (true) {
    auto row = statement->step();
    if (!row) return while_doing(row.error(), fmt::format("listing {} '{}'", kind, prefix));
    if (!*row) return records;
    records.push_back(
        {statement->column_bytes(0), statement->column_bytes(1), statement->column_number(2)});
  }
}

Result<std::uint64_t> SqliteStore::count(std::string_view kind, std::string_view prefix) const {
  const std::string end = end_of_prefix(prefix);
  const std::lock_guard lock(mutex_);
  auto statement = connection_.prepare(
      "SELECT count(*) FROM records WHERE kind = ?1 AND key >= ?2 AND (?3 = '' OR key < ?3)");
  if (!statement) return pass(statement.error());
  auto row = statement->bind(1, kind).bind(2, prefix).bind(3, end).step();
  if (!row) return while_doing(row.error(), fmt::format("counting {} '{}'", kind, prefix));
  return statement->column_number(0);
}

Result<std::uint64_t> SqliteStore::apply(const Transaction& transaction) {
  for (const auto& expectation : transaction.expectations) {
    auto found = version_of(connection_, expectation.kind, expectation.key);
    if (!found) return pass(found.error());
    if (*found != expectation.version) return pass(version_conflict(expectation, *found));
  }
  if (transaction.changes.empty()) return log_.revision();
  auto revision = next_revision(connection_);
  if (!revision) return pass(revision.error());
  for (const auto& change : transaction.changes) {
    if (auto written = write_change(connection_, change, *revision); !written) {
      return while_doing(written.error(), fmt::format("writing {} '{}'", change.kind, change.key));
    }
  }
  return revision;
}

Result<std::uint64_t> SqliteStore::write(const Transaction& transaction) {
  const std::lock_guard lock(mutex_);
  if (auto begun = connection_.execute("BEGIN IMMEDIATE"); !begun) return pass(begun.error());
  auto revision = apply(transaction);
  if (revision) {
    if (auto durable = connection_.execute("COMMIT"); !durable) revision = pass(durable.error());
  }
  if (!revision) connection_.roll_back();
  return revision;
}

Result<std::uint64_t> SqliteStore::commit(const Transaction& transaction) {
  const std::lock_guard one_by_one(committing_);
  auto revision = write(transaction);
  if (revision && !transaction.changes.empty()) log_.append(*revision, transaction);
  return revision;
}

Result<std::unique_ptr<Watch>> SqliteStore::watch(std::optional<std::uint64_t> after) const {
  return log_.watch(after);
}

Result<std::uint64_t> SqliteStore::snapshot(
    const std::function<Result<void>(const Store& store)>& read) const {
  const std::lock_guard nobody_commits(committing_);
  if (auto done = read(*this); !done) return pass(done.error());
  return log_.revision();
}

Result<void> SqliteStore::back_up(const std::string& path) const {
  if (auto copied = copy_sqlite_file(connection_, mutex_, path); !copied) {
    return while_doing(copied.error(), fmt::format("backing up '{}' to '{}'", path_, path));
  }
  return {};
}

}  // namespace muster
