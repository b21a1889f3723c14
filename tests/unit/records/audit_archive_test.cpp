#include "records/audit_archive.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <zlib.h>

#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "fakes/forwarding_store.hpp"
#include "fakes/scratch_folder.hpp"
#include "records/audit.hpp"
#include "store/kinds.hpp"
#include "store/memory_store.hpp"

using namespace muster;
using namespace std::chrono_literals;

namespace {

const TimePoint start = TimePoint(std::chrono::seconds(1'795'000'000));

// A store that loses its power in the middle.
class CutStore final : public ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;
  Result<std::uint64_t> commit(const Transaction&) override {
    return fail(ErrorKind::io, "power cut");
  }
};

struct Fixture {
  MemoryStore store;
  ScratchFolder scratch;
  std::string folder = scratch.path("audit");
  AuditPolicy policy{24h * 30, 100, 24h * 365, 10};

  // One row a day.
  void write(int rows, int first = 0) {
    for (int i = 0; i < rows; ++i) {
      Transaction transaction;
      append_audit(transaction, start + 24h * (first + i), "operator anna", "tested",
                   fmt::format("row-{}", first + i), "detail");
      REQUIRE(store.commit(transaction));
    }
  }
  AuditRotation rotate(int day, Store* given = nullptr) {
    const auto done =
        rotate_audit(given == nullptr ? store : *given, folder, policy, start + 24h * day);
    REQUIRE_MESSAGE(done, done.error().message);
    return *done;
  }
  std::vector<nlohmann::json> lines() const {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
      paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    std::vector<nlohmann::json> found;
    for (const auto& path : paths) {
      gzFile file = gzopen(path.c_str(), "rb");
      std::array<char, 4096> line{};
      while (gzgets(file, line.data(), line.size()) != nullptr)
        found.push_back(nlohmann::json::parse(line.data()));
      gzclose(file);
    }
    return found;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "old rows move into a file, young ones stay") {
  write(40);
  CHECK_FALSE(list_audit_files(folder)->count);
  const auto none = rotate(29);
  CHECK(none.moved == 0);
  CHECK(none.is_complete);
  const auto some = rotate(34);
  CHECK(some.moved == 4);
  CHECK(store.count(kinds::audit).value() == 36);
  const auto rows = lines();
  REQUIRE(rows.size() == 4);
  CHECK(rows[3]["subject"] == "row-3");
  CHECK(rows[3]["actor"] == "operator anna");
  CHECK(rows[3]["id"].get<std::string>().size() == 29);
  CHECK(list_audit(store, "", 10)->front().subject == "row-4");
  struct stat found {};
  REQUIRE(stat(folder.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0700);
}

TEST_CASE_FIXTURE(Fixture, "above the bound the oldest go, one file at a time") {
  policy.rows_in_store = 20;
  write(45);
  const auto first = rotate(1);
  CHECK(first.moved == 10);
  CHECK_FALSE(first.is_complete);
  CHECK(rotate(1).moved == 10);
  const auto last = rotate(1);
  CHECK(last.moved == 5);
  CHECK(last.is_complete);
  CHECK(list_audit_files(folder)->count == 3);
  CHECK(lines().size() == 25);
}

TEST_CASE_FIXTURE(Fixture, "killed before the rows are removed, nothing is lost or doubled") {
  write(40);
  CutStore cut(store);
  CHECK(rotate_audit(cut, folder, policy, start + 24h * 34).error().message == "power cut");
  CHECK(lines().size() == 4);
  CHECK(store.count(kinds::audit).value() == 40);
  write(5, 40);
  CHECK(rotate(36).moved == 6);  // two more are old by now
  std::set<std::string> ids;
  for (const auto& row : lines()) CHECK(ids.insert(row["id"]).second);
  CHECK(ids.size() == 6);
}

TEST_CASE_FIXTURE(Fixture, "files are kept as long as any of their rows is young enough") {
  policy.rows_per_file = 5;
  write(20);
  while (!rotate(60).is_complete) {
  }
  CHECK(list_audit_files(folder)->count == 4);
  // The second file begins with row 5: the first has only older ones.
  CHECK(rotate(365 + 5).removed == 0);
  CHECK(rotate(365 + 6).removed == 1);
  CHECK(rotate(365 * 3).removed == 2);
  CHECK(list_audit_files(folder)->count == 1);
}
