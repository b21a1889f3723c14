#include "store/sqlite_store.hpp"

#include <doctest/doctest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "fakes/scratch_folder.hpp"

namespace muster {

namespace {
using Mode = SqliteStore::OpenMode;

std::unique_ptr<SqliteStore> must_open(const std::string& path, Mode mode = Mode::must_exist) {
  auto opened = SqliteStore::open(path, mode);
  REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error().message));
  return std::move(*opened);
}

// A closed store with enough in it to span many pages.
std::string make_filled(const ScratchFolder& folder) {
  const std::string path = folder.path("muster.db");
  const auto store = must_open(path, Mode::create_if_missing);
  for (int i = 0; i < 100; ++i) {
    REQUIRE(store->commit(
        Transaction().put("document", fmt::format("lab/{:03}", i), std::string(3000, 'x'))));
  }
  return path;
}

unsigned mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 0777U;
}

void run_sql(const std::string& path, const char* sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &database) == SQLITE_OK);
  REQUIRE(sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK);
  sqlite3_close(database);
}

Error refusal(const std::string& path, Mode mode = Mode::must_exist) {
  auto opened = SqliteStore::open(path, mode);
  REQUIRE_FALSE(opened);
  return opened.error();
}
}  // namespace

TEST_CASE("what was committed is there after closing and opening again, versions going on") {
  const ScratchFolder folder;
  const std::string path = folder.path("muster.db");
  std::uint64_t version = 0;
  {
    const auto store = must_open(path, Mode::create_if_missing);
    REQUIRE(store->commit(Transaction().put("m", "k", "v")));
    version = store->get("m", "k")->version;
    REQUIRE(store->commit(Transaction().remove("m", "k")));
  }
  const auto store = must_open(path);
  CHECK_FALSE(store->get("m", "k"));
  REQUIRE(store->commit(Transaction().put("m", "k", "v")));
  CHECK(store->get("m", "k")->version > version);
}

TEST_CASE("the files are for their owner alone") {
  const ScratchFolder folder;
  const std::string path = folder.path("muster.db");
  {
    const auto store = must_open(path, Mode::create_if_missing);
    REQUIRE(store->commit(Transaction().put("m", "k", "v")));
    CHECK(mode_of(path) == 0600);
    CHECK(mode_of(path + "-wal") == 0600);
  }
  ::chmod(path.c_str(), 0644);
  const auto store = must_open(path);
  CHECK(mode_of(path) == 0600);
}

TEST_CASE("a missing file or folder is said, never an empty site") {
  const ScratchFolder folder;
  const std::string path = folder.path("muster.db");
  CHECK(refusal(path).kind == ErrorKind::not_found);
  CHECK(
      refusal(path).message ==
      fmt::format(
          "opening the store '{}': no such file; run `muster init` for a new site, restore a backup, or correct stateDirectory in the server's settings",
          path));
  const std::string lost = folder.path("no/such/muster.db");
  CHECK(
      refusal(lost, Mode::create_if_missing).message ==
      fmt::format(
          "opening the store '{}': folder '{}': there is none; create it with mode 0700, or correct stateDirectory in the server's settings",
          lost, folder.path("no/such")));
}

TEST_CASE("a second process, or a second store, on the same file is refused") {
  const ScratchFolder folder;
  const std::string path = folder.path("muster.db");
  const auto store = must_open(path, Mode::create_if_missing);
  const auto second = refusal(path);
  CHECK(second.kind == ErrorKind::unavailable);
  CHECK(
      second.message ==
      fmt::format(
          "opening the store '{}': store: database is locked; another process uses this file: stop it first",
          path));
}

TEST_CASE("a database of a newer program is refused and left as it was") {
  const ScratchFolder folder;
  const std::string path = make_filled(folder);
  run_sql(path, "PRAGMA user_version = 9");
  CHECK(refusal(path).kind == ErrorKind::conflict);
  CHECK(
      refusal(path).message ==
      fmt::format(
          "opening the store '{}': schema version: expected at most 4, found 9: a newer muster-server wrote this database; start that one, or restore a backup that this version made",
          path));
  run_sql(path, "PRAGMA user_version = 1");
  CHECK(*must_open(path)->count("document") == 100);
}

TEST_CASE("an older database is migrated, after a backup beside it") {
  const ScratchFolder folder;
  const std::string path = folder.path("muster.db");
  run_sql(path, "PRAGMA application_id = 1299542900");  // version 0: nothing in it yet
  const auto store = must_open(path);
  CHECK(store->commit(Transaction().put("m", "k", "v")));
  CHECK(mode_of(path + ".before-4") == 0600);
}

TEST_CASE("a database of before the pools keeps its records") {
  const ScratchFolder folder;
  const std::string path = make_filled(folder);
  run_sql(path, "PRAGMA user_version = 1");
  CHECK(*must_open(path)->count("document") == 100);
  CHECK(mode_of(path + ".before-4") == 0600);
}

TEST_CASE("what a database of before had to do at a time is done by its new name") {
  const ScratchFolder folder;
  const std::string path = make_filled(folder);
  CHECK(must_open(path)->commit(Transaction().put("agenda", "000000000001/member/lab/w-1", "x")));
  run_sql(path, "PRAGMA user_version = 2");
  const auto store = must_open(path);
  CHECK(*store->count("agenda") == 0);
  CHECK(store->get("schedule", "000000000001/member/lab/w-1")->value == "x");
}

TEST_CASE("what is not a store of ours is refused and left as it was") {
  const ScratchFolder folder;
  SUBCASE("not SQLite at all") {
    std::ofstream(folder.path("x")) << std::string(8192, 'x');
    CHECK(refusal(folder.path("x")).kind == ErrorKind::corrupt);
    CHECK(refusal(folder.path("x")).message ==
          fmt::format(
              "opening the store '{}': store: file is not a database; restore the newest backup",
              folder.path("x")));
  }
  SUBCASE("somebody else's database") {
    run_sql(folder.path("x"), "CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    const auto error = refusal(folder.path("x"));
    CHECK(error.kind == ErrorKind::corrupt);
    CHECK(
        error.message ==
        fmt::format(
            "opening the store '{}': application id: expected 1299542900, found 0: not a store of muster-server, or an empty one; restore the newest backup, or remove the file and run `muster init` for a new site",
            folder.path("x")));
    CHECK_FALSE(std::filesystem::exists(folder.path("x-wal")));
  }
  SUBCASE("an empty file") {
    std::ofstream(folder.path("x")).close();
    CHECK(refusal(folder.path("x"), Mode::create_if_missing).kind == ErrorKind::corrupt);
  }
}

TEST_CASE("a truncated file is refused at every length") {
  const ScratchFolder folder;
  const std::string path = make_filled(folder);
  const auto whole = std::filesystem::file_size(path);
  REQUIRE(whole > 100000);
  for (const auto length :
       {whole - 4096, whole / 2, std::uintmax_t{4096}, std::uintmax_t{100}, std::uintmax_t{0}}) {
    CAPTURE(length);
    const std::string cut = folder.path(fmt::format("cut-{}", length));
    std::filesystem::copy_file(path, cut);
    std::filesystem::resize_file(cut, length);
    CHECK(refusal(cut).kind == ErrorKind::corrupt);
  }
}

TEST_CASE("a page overwritten with noise is refused, or the content is whole") {
  const ScratchFolder folder;
  const std::string path = make_filled(folder);
  const auto pages = std::filesystem::file_size(path) / 4096;
  int refused = 0;
  for (std::uintmax_t page = 0; page < pages; page += 7) {
    const std::string broken = folder.path("broken.db");
    std::filesystem::copy_file(path, broken, std::filesystem::copy_options::overwrite_existing);
    std::fstream file(broken, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(page * 4096));
    file << std::string(64, '\x5a');
    file.close();
    auto opened = SqliteStore::open(broken, Mode::must_exist);
    if (opened) continue;  // the bytes fell into a value: quick_check reads structure, not content
    ++refused;
    CHECK(opened.error().kind == ErrorKind::corrupt);
    CHECK(opened.error().message.ends_with("restore the newest backup"));
  }
  CHECK(refused > 0);
}

TEST_CASE("a backup taken while others write is whole and opens as a store") {
  const ScratchFolder folder;
  const std::string path = make_filled(folder);
  const auto store = must_open(path);
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) {
      const std::string n = fmt::format("{}", i);
      if (!store->commit(Transaction().put("m", "a", n).put("m", "b", n))) return;
    }
  });
  const auto copied = store->back_up(folder.path("copy.db"));
  stop = true;
  writer.join();
  REQUIRE_MESSAGE(copied.has_value(), (copied ? "" : copied.error().message));
  CHECK(mode_of(folder.path("copy.db")) == 0600);
  const auto copy = must_open(folder.path("copy.db"));
  CHECK(*copy->count("document") == 100);
  const auto a = copy->get("m", "a");
  const auto b = copy->get("m", "b");
  CHECK(a.has_value() == b.has_value());
  if (a && b) CHECK(a->value == b->value);
}

TEST_CASE("a backup into a missing folder says so and leaves nothing") {
  const ScratchFolder folder;
  const std::string path = folder.path("muster.db");
  const auto store = must_open(path, Mode::create_if_missing);
  const auto copied = store->back_up(folder.path("no/copy.db"));
  REQUIRE_FALSE(copied);
  CHECK(copied.error().message ==
        fmt::format("backing up '{0}' to '{1}': creating '{1}.new': No such file or directory",
                    path, folder.path("no/copy.db")));
}

}  // namespace muster
