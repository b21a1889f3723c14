#include "contract/store_contract.hpp"
#include "fakes/scratch_folder.hpp"
#include "store/memory_store.hpp"
#include "store/sqlite_store.hpp"

namespace muster {

namespace {
struct MemoryFixture {
  MemoryStore memory;
  Store& store() { return memory; }
};

struct SqliteFixture {
  ScratchFolder folder;
  std::unique_ptr<SqliteStore> sqlite;
  SqliteFixture() {
    auto opened =
        SqliteStore::open(folder.path("muster.db"), SqliteStore::OpenMode::create_if_missing);
    REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error().message));
    sqlite = std::move(*opened);
  }
  Store& store() { return *sqlite; }
};
}  // namespace

TEST_CASE_TEMPLATE_INVOKE(store_contract, MemoryFixture, SqliteFixture);

}  // namespace muster
