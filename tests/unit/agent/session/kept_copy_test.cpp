#include "agent/session/kept_copy.hpp"

#include <doctest/doctest.h>

#include "agent/paths.hpp"
#include "fakes/fake_host.hpp"

using namespace muster;

namespace {

struct Kept {
  FakeFilesystem files;
  const std::string path = paths::peers_cache;

  Result<std::string> read() {
    const auto take = [](const std::string& text) -> Result<std::string> {
      if (text.starts_with("good")) return text;
      return fail(ErrorKind::corrupt, "expected good, found " + text);
    };
    return read_kept(files, path, take);
  }
};

}  // namespace

TEST_CASE_FIXTURE(Kept, "a copy lies in a folder of its own") {
  CHECK(copy_of(path) == "/var/lib/muster/copies/peers.json");
  REQUIRE(write_kept(files, path, "good 1"));
  CHECK(files.text(copy_of(path)) == "good 1");
  files.changes.clear();
  REQUIRE(write_kept(files, path, "good 1"));
  CHECK(read().value() == "good 1");
  CHECK(files.changes.empty());
}

TEST_CASE_FIXTURE(Kept, "either of the two is put right by the other") {
  for (const auto& damaged : {path, copy_of(path)}) {
    REQUIRE(write_kept(files, path, "good 1"));
    files.put(damaged, "bad");
    CHECK(read().value() == "good 1");
    CHECK(files.text(damaged) == "good 1");
    REQUIRE(files.remove(damaged));
    CHECK(read().value() == "good 1");
    CHECK(files.text(damaged) == "good 1");
  }
}

TEST_CASE_FIXTURE(Kept, "where both are sound the file counts; where neither is, its error") {
  REQUIRE(write_kept(files, path, "good 1"));
  files.put(path, "good 2");
  CHECK(read().value() == "good 2");
  CHECK(files.text(copy_of(path)) == "good 2");
  files.put(path, "bad");
  files.put(copy_of(path), "worse");
  CHECK(read().error().message == "expected good, found bad");
}

TEST_CASE_FIXTURE(Kept, "a disk that fails at any write leaves one of the two, and says of which") {
  for (int call = 0; call < 8; ++call) {
    files.put(path, "good 1");
    files.put(copy_of(path), "good 1");
    files.fail_at = files.calls + call;
    const bool wrote = write_kept(files, path, "good 2").has_value();
    files.fail_at = -1;
    CHECK((files.text(path) == "good 2") == wrote);
    CHECK(read().value() == (wrote ? "good 2" : "good 1"));
  }
}
