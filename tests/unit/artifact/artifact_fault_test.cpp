// Crashes and full disks in the middle of an import.
#include <doctest/doctest.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "artifact/artifact_store.hpp"
#include "folders.hpp"

using namespace muster;
namespace fs = std::filesystem;

TEST_CASE("kill -9 in the middle of an import leaves nothing under its name") {
  const sample::Folder folder;
  const std::string bytes(100000, 'k');
  const std::string digest = sha256_digest(bytes);
  const auto store = ArtifactStore::open(folder.path("store")).value();
  for (const std::size_t sent : {std::size_t{0}, std::size_t{1}, bytes.size() / 2, bytes.size()}) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      auto import = store.begin_import(digest, bytes.size());
      if (import) static_cast<void>(import->write(std::string_view(bytes).substr(0, sent)));
      static_cast<void>(::kill(::getpid(), SIGKILL));
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    CHECK_FALSE(store.contains(digest, bytes.size()));
    CHECK(sample::count_files(folder.path("store/sha256")) == 0);
    CHECK(sample::count_files(folder.path("store/incoming")) == 1);
    REQUIRE(ArtifactStore::open(folder.path("store")));
    CHECK(sample::count_files(folder.path("store/incoming")) == 0);
  }
}

TEST_CASE("opening the store leaves an import of another process alone") {
  const sample::Folder folder;
  const auto store = ArtifactStore::open(folder.path("store")).value();
  auto import = store.begin_import(sha256_digest("abc"), 3).value();
  REQUIRE(ArtifactStore::open(folder.path("store")));
  REQUIRE(import.write("abc"));
  CHECK(import.finish());
  CHECK(store.verify(sha256_digest("abc")));
}

TEST_CASE("a full disk is told with its cure, and the store goes on") {
  const sample::Folder folder;
  fs::create_directory(folder.path("small"));
  if (::mount("tmpfs", folder.path("small").c_str(), "tmpfs", 0, "size=256k") != 0) {
    MESSAGE("SKIPPED: a tmpfs cannot be mounted here (needs root)");
    return;
  }
  {
    const auto store = ArtifactStore::open(folder.path("small/store")).value();
    const std::string bytes(1u << 20, 'f');
    {
      auto import = store.begin_import(sha256_digest(bytes), bytes.size()).value();
      const auto written = import.write(bytes);
      REQUIRE_FALSE(written);
      CHECK(written.error().kind == ErrorKind::exhausted);
      CHECK(
          written.error().message.find(
              ": No space left on device; free some space there, 'muster release prune' removes releases that no machine runs") !=
          std::string::npos);
    }
    CHECK(sample::count_files(folder.path("small/store")) == 0);
    auto import = store.begin_import(sha256_digest("abc"), 3).value();
    REQUIRE(import.write("abc"));
    CHECK(import.finish());
  }
  CHECK(::umount(folder.path("small").c_str()) == 0);
}

TEST_CASE("a store whose folder is a file is told") {
  const sample::Folder folder;
  folder.write("store", "x");
  CHECK(ArtifactStore::open(folder.path("store")).error().message ==
        "artifact store: '" + folder.path("store") + "': expected a folder, found something else");
}
