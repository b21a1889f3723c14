#include "publish/releases.hpp"

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
