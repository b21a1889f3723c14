#include "contract/feed_contract.hpp"
#include "contract/store_contract.hpp"
#include "fakes/scratch_folder.hpp"
#include "store/memory_store.hpp"
#include "store/sqlite_store.hpp"

namespace muster {

namespace {
constexpr std::size_t kept_commits = 16;
constexpr FeedLimits small{kept_commits, 64u << 10};

struct MemoryFixture {
  static constexpr std::size_t kept = kept_commits;
  std::unique_ptr<MemoryStore> memory = std::make_unique<MemoryStore>(small);
  Store& store() { return *memory; }
  void close() { memory.reset(); }
};

struct SqliteFixture {
  static constexpr std::size_t kept = kept_commits;
  ScratchFolder folder;
  std::unique_ptr<SqliteStore> sqlite;
  SqliteFixture() {
    auto opened = SqliteStore::open(folder.path("muster.db"),
                                    SqliteStore::OpenMode::create_if_missing, small);
    REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.error().message));
    sqlite = std::move(*opened);
  }
  Store& store() { return *sqlite; }
  void close() { sqlite.reset(); }
};
}  // namespace

TEST_CASE_TEMPLATE_INVOKE(store_contract, MemoryFixture, SqliteFixture);
TEST_CASE_TEMPLATE_INVOKE(feed_contract, MemoryFixture, SqliteFixture);

}  // namespace muster
