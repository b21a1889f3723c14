// Databases in which a ban was a flag of its machine's record.
#include <doctest/doctest.h>

#include <filesystem>

#include "fakes/scratch_folder.hpp"
#include "store/kinds.hpp"
#include "store/sqlite_connection.hpp"
#include "store/sqlite_store.hpp"

namespace muster {

namespace {

std::unique_ptr<SqliteStore> opened_as(const std::string& path, SqliteStore::OpenMode mode) {
  auto opened = SqliteStore::open(path, mode);
  REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error().message));
  return std::move(*opened);
}

std::vector<std::string> rows(const Store& store, std::string_view kind) {
  std::vector<std::string> found;
  const auto records = store.list(kind);
  REQUIRE(records);
  for (const auto& record : *records) found.push_back(record.key + " " + record.value);
  return found;
}

}  // namespace

TEST_CASE("flags of machines' records become bans of their names and keys") {
  const ScratchFolder folder;
  const std::string path = folder.path("muster.db");
  Transaction before;
  before
      .put(
          kinds::machine, "lab/n1",
          R"({"banReason":"sold \"as is\"","banned":true,"claimant":{"key":"sha256:e"},"cluster":"lab","current":{"key":"sha256:a","serial":"01"},"node":"n1","previous":{"key":"sha256:b"},"renewed":["sha256:d"],"replaceKey":"sha256:c"})")
      .put(
          kinds::machine, "lab/n2",
          R"({"banReason":"","banned":false,"cluster":"lab","current":{"key":"sha256:f"},"freezeReason":"\"banned\":true"})")
      .put(kinds::machine, "lab/w-1", R"({"banReason":"","banned":true,"cluster":"lab"})")
      .put(kinds::member, "lab/w-1", R"({"cluster":"lab","key":"sha256:g","node":"w-1"})")
      .put(kinds::member, "lab/w-2", R"({"cluster":"lab","key":"sha256:h","node":"w-2"})")
      // Damaged: one that says so still, and two of which only their cluster knows.
      .put(kinds::machine, "lab/n3", R"({"banReason":"x","banned":true,"boo)")
      .put(kinds::machine, "lab/n4", "{}")
      .put(kinds::machine, "lab/n5", "\x01")
      .put(kinds::machine, "lab/n6", "\x01")
      .put(kinds::cluster, "lab", R"({"bannedMachines":["n2","n4","n5"],"name":"lab"})")
      .put(kinds::cluster, "other", "\x01")
      .put(kinds::cluster, "third", R"({"name":"third"})");
  REQUIRE(opened_as(path, SqliteStore::OpenMode::create_if_missing)->commit(before));
  {
    auto connection = SqliteConnection::open(path);
    REQUIRE(connection);
    REQUIRE(connection->execute("PRAGMA user_version = 3"));
  }
  const auto store = opened_as(path, SqliteStore::OpenMode::must_exist);
  CHECK(rows(*store, kinds::ban) ==
        std::vector<std::string>{R"(lab/n1 {"by":"","reason":"sold \"as is\"","since":0})",
                                 R"(lab/n3 {"by":"","reason":"","since":0})",
                                 R"(lab/n4 {"by":"","reason":"","since":0})",
                                 R"(lab/n5 {"by":"","reason":"","since":0})",
                                 R"(lab/w-1 {"by":"","reason":"","since":0})"});
  CHECK(rows(*store, kinds::banned_key) ==
        std::vector<std::string>{"sha256:a lab/n1", "sha256:b lab/n1", "sha256:d lab/n1",
                                 "sha256:e lab/n1", "sha256:g lab/w-1"});
  CHECK(std::filesystem::exists(path + ".before-4"));
}

}  // namespace muster
