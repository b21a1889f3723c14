#include "backup/store_mark.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include "fakes/scratch_folder.hpp"
#include "fakes/unreadable.hpp"
#include "store/kinds.hpp"
#include "store/memory_store.hpp"
#include "store/sqlite_store.hpp"

using namespace muster;

namespace {

namespace fs = std::filesystem;

// A state folder: a server is started in it, works and ends.
struct Folder {
  ScratchFolder scratch;
  std::string at = scratch.path("state");
  Folder() { fs::create_directory(at); }

  [[nodiscard]] std::string file(const std::string& name) const { return at + "/" + name; }
  [[nodiscard]] std::string mark() const { return file("store-mark"); }
  [[nodiscard]] auto store() const {
    return SqliteStore::open(file("state.sqlite"), SqliteStore::OpenMode::create_if_missing)
        .value();
  }
  Result<void> run(int commits = 0, bool is_killed = false) const {
    const auto opened = store();
    auto mark_here = StoreMark::open(*opened, mark());
    if (!mark_here) return pass(mark_here.error());
    for (int i = 0; i < commits; ++i) {
      Transaction transaction;
      transaction.put("document", fmt::format("lab/n{}", i), "{}");
      REQUIRE(opened->commit(transaction));
    }
    if (is_killed) return {};
    return mark_here->keep(*opened);
  }
  void copy(const std::string& from, const std::string& to) const {
    fs::remove_all(to);
    fs::copy(from, to, fs::copy_options::recursive);
  }
};

std::string message(const Result<void>& result) {
  return result ? "" : result.error().message;
}

}  // namespace

TEST_CASE(
    "a store goes on after every start, clean or killed, and one without marks gets its first") {
  const Folder folder;
  { const auto of_an_earlier_program = folder.store(); }
  CHECK(folder.run(3).has_value());
  CHECK(folder.run(3, true).has_value());
  CHECK(folder.run().has_value());
}

TEST_CASE("an older database that was put back does not start") {
  const Folder folder;
  REQUIRE(folder.run(3));
  fs::copy(folder.file("state.sqlite"), folder.file("kept"));
  REQUIRE(folder.run(3));
  fs::copy(folder.file("kept"), folder.file("state.sqlite"), fs::copy_options::overwrite_existing);
  const auto refused = folder.run();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::conflict);
  CHECK(
      message(refused) ==
      fmt::format(
          "the store is not the one that ran here last: '{}': expected a store at revision 8 or later, found one at 4. What it published again would have other content than what machines have: restore the newest backup (`muster-server restore`), or, if there is none and this copy is all there is, take it in: muster-server take-copy",
          folder.mark()));
}

TEST_CASE("a copy that was made while no server ran does not start after the next start") {
  const Folder folder;
  REQUIRE(folder.run(1));
  fs::copy(folder.file("state.sqlite"), folder.file("kept"));
  REQUIRE(folder.run(0, true));
  fs::copy(folder.file("kept"), folder.file("state.sqlite"), fs::copy_options::overwrite_existing);
  CHECK_FALSE(folder.run());
}

TEST_CASE("a copy of the whole folder does not start, wherever it is put") {
  const Folder folder;
  REQUIRE(folder.run(3));
  const std::string kept = folder.scratch.path("kept");
  folder.copy(folder.at, kept);
  REQUIRE(folder.run(3));
  SUBCASE("in place of the other") {
    folder.copy(kept, folder.at);
  }
  SUBCASE("over the other's files") {
    for (const auto& entry : fs::directory_iterator(kept))
      fs::copy(entry.path(), folder.file(entry.path().filename()),
               fs::copy_options::overwrite_existing);
  }
  SUBCASE("without its mark") {
    folder.copy(kept, folder.at);
    fs::remove(folder.mark());
  }
  CHECK(message(folder.run()).find("the store is not the one that ran here last") == 0);
}

TEST_CASE("only what is a copy, or may be one, is taken in as one") {
  const Folder folder;
  const auto refusal = [&] {
    const auto store = folder.store();
    return message(StoreMark::check_is_copy(*store, folder.mark(), store->commit({}).value()));
  };
  CHECK(refusal().empty());  // of an earlier program
  REQUIRE(folder.run(3));
  CHECK(
      refusal() ==
      fmt::format(
          "the store is the one that ran here last, as '{0}' says: nothing to take in, and every cluster would be sealed for nothing; start the server. Where the whole disk went back to an older state, remove '{0}' first",
          folder.mark()));
  REQUIRE(folder.run(3, true));  // killed: the store is ahead of its mark
  CHECK(refusal().find("the store is the one that ran here last") == 0);
  SUBCASE("copied") {
    const std::string kept = folder.scratch.path("kept");
    folder.copy(folder.at, kept);
    folder.copy(kept, folder.at);
  }
  SUBCASE("without a mark") {
    fs::remove(folder.mark());
  }
  SUBCASE("with one that cannot be read") {
    std::ofstream(folder.mark()) << "{}";
  }
  CHECK(refusal().empty());
}

TEST_CASE("a record of the mark that cannot be read is written anew by a server that runs") {
  const Folder folder;
  REQUIRE(folder.run(1));
  {
    const auto store = folder.store();
    auto mark = StoreMark::open(*store, folder.mark());
    REQUIRE(mark);
    make_unreadable(*store, kinds::site, kinds::mark_key);
    REQUIRE(mark->keep(*store));
    REQUIRE(mark->keep(*store));
  }
  CHECK(folder.run().has_value());
  make_unreadable(*folder.store(), kinds::site, kinds::mark_key);
  const auto refused = folder.run();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::conflict);
  CHECK(message(refused).starts_with("the store's mark: refused"));
  CHECK(message(refused).ends_with(
      ": it says whether the store is a copy: restore the newest backup (`muster-server restore`), or, if there is none and this copy is all there is, take it in: muster-server take-copy"));
  const auto store = folder.store();
  CHECK(StoreMark::check_is_copy(*store, folder.mark(), store->commit({}).value()));
  CHECK(StoreMark::renew(*store, folder.mark()).has_value());
}

TEST_CASE("another store in the place of this one does not start") {
  const Folder folder, other;
  REQUIRE(folder.run(1));
  REQUIRE(other.run(9));
  fs::copy(other.file("state.sqlite"), folder.file("state.sqlite"),
           fs::copy_options::overwrite_existing);
  CHECK(message(folder.run()).find("expected the mark of store '") != std::string::npos);
}

TEST_CASE("a store of before there were marks does not start in the place of one that has one") {
  const Folder folder;
  { const auto of_an_earlier_program = folder.store(); }
  fs::copy(folder.file("state.sqlite"), folder.file("kept"));
  REQUIRE(folder.run());
  fs::copy(folder.file("kept"), folder.file("state.sqlite"), fs::copy_options::overwrite_existing);
  CHECK_FALSE(folder.run());
}

TEST_CASE("cut off before the store knew of its first mark, it starts") {
  const Folder folder;
  { const auto of_an_earlier_program = folder.store(); }
  std::ofstream(folder.mark())
      << R"({"born":0,"revision":0,"store":"0011223344556677","unclaimed":true})"
      << "\n";
  CHECK(folder.run().has_value());
}

TEST_CASE("what was restored is the store from then on") {
  const Folder folder;
  REQUIRE(folder.run(3));
  fs::copy(folder.file("state.sqlite"), folder.file("kept"));
  REQUIRE(folder.run(3));
  fs::copy(folder.file("kept"), folder.file("state.sqlite"), fs::copy_options::overwrite_existing);
  {
    const auto store = folder.store();
    REQUIRE(StoreMark::renew(*store, folder.mark()));
  }
  CHECK(folder.run(1).has_value());
}

TEST_CASE("a mark that cannot be read is told with its cure, and nothing is made beside one") {
  const Folder folder;
  REQUIRE(folder.run());
  std::ofstream(folder.mark()) << "{}";
  CHECK(message(folder.run()).find("it says how far the store came: restore the newest backup") !=
        std::string::npos);
  CHECK(
      check_no_mark(folder.mark()).error().message ==
      fmt::format(
          "'{0}': a store was here, and is gone: restore its newest backup (`muster-server restore`); for a new site remove '{0}' first",
          folder.mark()));
}
