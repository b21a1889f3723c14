#include "publish/releases.hpp"

#include <filesystem>
#include <fstream>

#include "fakes/unreadable.hpp"
#include "sample_site.hpp"

using namespace muster;

namespace {

Release release_of(const std::string& bytes) {
  Release release;
  release.name = "runc";
  release.version = "1.5.2";
  release.artifacts = {
      {"bin/runc", ArtifactKind::file, "0755", sha256_digest(bytes), bytes.size()}};
  return release;
}

void put_bytes(const ArtifactStore& artifacts, const std::string& bytes) {
  auto incoming = artifacts.begin_import(sha256_digest(bytes), bytes.size());
  REQUIRE(incoming);
  REQUIRE(incoming->write(bytes));
  REQUIRE(incoming->finish());
}

}  // namespace

TEST_CASE("a release is added when all its bytes are there, and once") {
  const muster::ScratchFolder folder;
  MemoryStore store;
  const auto artifacts = ArtifactStore::open(folder.path());
  REQUIRE(artifacts);
  const Release release = release_of("runc bytes");
  CHECK(
      add_release(store, *artifacts, release, "operator anna", sample::now).error().message ==
      fmt::format(
          "release runc 1.5.2: these artifacts are not in the store; import them first:\nbin/runc ({}, 10 bytes)",
          sha256_digest("runc bytes")));
  put_bytes(*artifacts, "runc bytes");
  REQUIRE(add_release(store, *artifacts, release, "operator anna", sample::now));
  REQUIRE(add_release(store, *artifacts, release, "operator anna", sample::now));
  CHECK(store.count(kinds::audit).value() == 1);
  CHECK(artifacts->contains(digest(release), to_canonical_json(release).size()));
  const auto catalogue = load_catalogue(store);
  REQUIRE(catalogue);
  REQUIRE(catalogue->releases().size() == 1);
  CHECK(catalogue->releases()[0].manifest_digest == digest(release));
  put_bytes(*artifacts, "other bytes");
  CHECK(
      add_release(store, *artifacts, release_of("other bytes"), "operator anna", sample::now)
          .error()
          .message ==
      "release runc 1.5.2: it is there with another manifest, and machines may run it. Give the new one another version.");
}

TEST_CASE("what the disk lost or spoiled is named, and added again it is whole") {
  const muster::ScratchFolder folder;
  MemoryStore store;
  const auto artifacts = ArtifactStore::open(folder.path()).value();
  const Release release = release_of("runc bytes");
  put_bytes(artifacts, "runc bytes");
  REQUIRE(add_release(store, artifacts, release, "operator anna", sample::now));
  const auto incomplete = [&] {
    return to_text(incomplete_releases(load_catalogue(store).value(), artifacts));
  };
  const auto problems = [&] {
    std::string text;
    const auto found = verify_release(store, artifacts, "runc", "1.5.2");
    REQUIRE(found);
    for (const auto& problem : *found) text += problem.path + " " + problem.found + "\n";
    return text;
  };
  CHECK(incomplete().empty());
  CHECK(problems().empty());
  const auto file_of = [&](const std::string& digest) {
    return folder.path("sha256/" + digest.substr(7, 2) + "/" + digest.substr(7));
  };
  std::ofstream(file_of(sha256_digest("runc bytes"))) << "RUNC BYTES";
  CHECK(incomplete().empty());  // nobody looked into it
  CHECK(problems() == "bin/runc damaged\n");
  std::filesystem::remove_all(folder.path("sha256"));
  std::filesystem::create_directory(folder.path("sha256"));
  CHECK(
      incomplete() ==
      "release runc 1.5.2: 2 of 2 files are not on the server's disk; bring them back with `muster release import`");
  CHECK(problems() == "bin/runc missing\nrelease.json missing\n");
  put_bytes(artifacts, "runc bytes");
  REQUIRE(add_release(store, artifacts, release, "operator anna", sample::now));
  CHECK(incomplete().empty());
  CHECK(problems().empty());
  CHECK(verify_release(store, artifacts, "runc", "1.0.0").error().kind == ErrorKind::not_found);
}

TEST_CASE("a release whose record cannot be read is told, costs no other, and is imported again") {
  const muster::ScratchFolder folder;
  MemoryStore store;
  const auto artifacts = ArtifactStore::open(folder.path()).value();
  const Release release = release_of("runc bytes");
  put_bytes(artifacts, "runc bytes");
  REQUIRE(add_release(store, artifacts, release, "operator anna", sample::now));
  make_unreadable(store, kinds::release, "runc/1.5.2");
  make_unreadable(store, kinds::release, "etcd/1.0.0");
  REQUIRE(load_catalogue(store));
  CHECK(load_catalogue(store)->releases().empty());
  const auto unread = unread_releases(store).value();
  REQUIRE(unread.size() == 2);
  CHECK(
      to_text({unread[1]})
          .starts_with(
              "release runc 1.5.2: its record cannot be read; import it again with `muster release import`: release manifest: refused"));
  REQUIRE(add_release(store, artifacts, release, "operator anna", sample::now));
  CHECK(load_catalogue(store)->releases().size() == 1);
  CHECK(unread_releases(store)->size() == 1);
}
