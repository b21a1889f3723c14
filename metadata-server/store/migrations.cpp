#include "store/migrations.hpp"

#include <array>

namespace muster {

namespace {
// Step i (from 0) leads to schema version i + 1.
constexpr std::array<const char*, 4> steps = {
    // `store_revision` grows with every commit and is the version of the records that it wrote, so
    // a
    // version is never used again, not even after a record was removed and came back.
    R"(CREATE TABLE records(
         kind TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, version INTEGER NOT NULL,
         PRIMARY KEY(kind, key)) STRICT;
       CREATE TABLE store_revision(
         one INTEGER PRIMARY KEY CHECK(one = 1), value INTEGER NOT NULL) STRICT;
       INSERT INTO store_revision(one, value) VALUES(1, 0);)",
    // Records of pools' members (kinds "member" and "address"). An older program would publish
    // without them, which takes every member's document away: it must not open this file.
    "",
    // Fields of the records of clusters that an older program refuses, and kind "served". What is
    // to
    // be done at a time had another name.
    "UPDATE records SET kind = 'schedule' WHERE kind = 'agenda';",
    // A ban was a flag of the machine's record, which an older program would look for: now it has a
    // row of its own (records/bans), and one for each key. Of a record that is damaged so that it
    // does not say, what its cluster's documents had.
    R"(INSERT INTO records(kind, key, value, version)
         SELECT 'ban', machine.key, CAST(json_object('by', '', 'reason', CASE WHEN json_valid(text)
             THEN coalesce(json_extract(text, '$.banReason'), '') ELSE '' END, 'since', 0) AS BLOB),
           machine.version
         FROM (SELECT key, version, CAST(value AS TEXT) AS text FROM records
               WHERE kind = 'machine') AS machine
         WHERE instr(text, '"banned":true') > 0 OR (instr(text, '"banned":false') = 0 AND EXISTS (
           SELECT 1 FROM (SELECT key, CAST(value AS TEXT) AS text FROM records
                          WHERE kind = 'cluster') AS cluster,
             json_each(CASE WHEN json_valid(cluster.text) THEN cluster.text ELSE '{}' END,
                       '$.bannedMachines') AS banned
           WHERE cluster.key || '/' || banned.value = machine.key));
       INSERT OR IGNORE INTO records(kind, key, value, version)
         SELECT 'banned-key', field.value, CAST(known.key AS BLOB), known.version
         FROM (SELECT key, version, CAST(value AS TEXT) AS text FROM records
               WHERE kind IN ('machine', 'member')
                 AND key IN (SELECT key FROM records WHERE kind = 'ban')) AS known,
           json_tree(CASE WHEN json_valid(known.text) THEN known.text ELSE '{}' END) AS field
         WHERE field.type = 'text' AND (field.path = '$.renewed' OR field.fullkey IN
           ('$.key', '$.current.key', '$.previous.key', '$.claimant.key'));)",
};
}  // namespace

int newest_schema_version() {
  return static_cast<int>(steps.size());
}

Result<int> read_schema_version(SqliteConnection& connection) {
  auto version = connection.read_number("PRAGMA user_version");
  if (!version) return pass(version.error());
  if (*version > newest_schema_version()) {
    return fail(
        ErrorKind::conflict,
        fmt::format(
            "schema version: expected at most {}, found {}: a newer muster-server wrote this database; start that one, or restore a backup that this version made",
            newest_schema_version(), *version));
  }
  return static_cast<int>(*version);
}

Result<void> migrate(SqliteConnection& connection) {
  auto version = read_schema_version(connection);
  if (!version) return pass(version.error());
  for (int from = *version; from < newest_schema_version(); ++from) {
    const std::string step = fmt::format("BEGIN IMMEDIATE; {} PRAGMA user_version = {}; COMMIT",
                                         steps.at(static_cast<std::size_t>(from)), from + 1);
    if (auto done = connection.execute(step.c_str()); !done) {
      connection.roll_back();
      return while_doing(done.error(), fmt::format("migrating from schema version {}", from));
    }
  }
  return {};
}

}  // namespace muster
