#include "artifact/release_folder.hpp"

#include <doctest/doctest.h>

#include "folders.hpp"

using namespace muster;

TEST_CASE("a release folder becomes artifacts and a manifest") {
  const sample::Folder source, target;
  const Release release = sample::write_release(source, "3.6.16");
  const auto store = ArtifactStore::open(target.path()).value();
  const auto imported = import_release(store, source.path());
  REQUIRE_MESSAGE(imported, imported.error().message);
  CHECK(digest(*imported) == digest(release));
  for (const Artifact& artifact : release.artifacts) CHECK(store.verify(artifact.digest));
  const std::string manifest = to_canonical_json(release);
  CHECK(store.open_artifact(digest(release)).value().read(0, 10000).value() == manifest);
  REQUIRE(import_release(store, source.path()));
  CHECK(sample::count_files(target.path()) == 3);
}

TEST_CASE("missing, short and foreign files are told at once") {
  const sample::Folder source, target;
  sample::write_release(source, "3.6.16");
  const auto store = ArtifactStore::open(target.path()).value();
  std::filesystem::remove(source.path("bin/etcd"));
  source.write("bin/etcdctl", "short");
  CHECK(import_release(store, source.path()).error().message ==
        "release etcd 3.6.16: refused, 2 problems:\n" + source.path("bin/etcd") +
            ": expected a file, found nothing\n" + source.path("bin/etcdctl") +
            ": expected 13 bytes, found 5");
  std::filesystem::create_symlink("/etc/passwd", source.path("bin/etcd"));
  source.write("bin/etcdctl", "client 3.6.16");
  CHECK(import_release(store, source.path()).error().message ==
        "release etcd 3.6.16: refused, 1 problem:\n" + source.path("bin/etcd") +
            ": expected a regular file, found another kind");
  CHECK(sample::count_files(target.path()) == 0);
}

TEST_CASE("every altered file is told with both digests, and no manifest is stored") {
  const sample::Folder source, target;
  const Release release = sample::write_release(source, "3.6.16");
  const auto store = ArtifactStore::open(target.path()).value();
  source.write("bin/etcd", "SERVER 3.6.16");
  source.write("bin/etcdctl", "CLIENT 3.6.16");
  const auto refused = import_release(store, source.path());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message ==
        "release etcd 3.6.16: refused, 2 problems:\n" + source.path("bin/etcd") + ": artifact " +
            release.artifacts[0].digest + ": expected bytes with this digest, found " +
            sha256_digest("SERVER 3.6.16") + ": the bytes or the manifest were altered\n" +
            source.path("bin/etcdctl") + ": artifact " + release.artifacts[1].digest +
            ": expected bytes with this digest, found " + sha256_digest("CLIENT 3.6.16") +
            ": the bytes or the manifest were altered");
  CHECK(sample::count_files(target.path()) == 0);
}

TEST_CASE("a folder without a manifest, and one with a broken one") {
  const sample::Folder source;
  CHECK(read_release_folder(source.path()).error().kind == ErrorKind::not_found);
  CHECK(read_release_folder(source.path()).error().message ==
        "a release folder holds release.json and the files it names: reading '" +
            source.path("release.json") + "': No such file or directory");
  source.write("release.json", R"({"apiVersion":"muster/v1","kind":"Release"})");
  CHECK(read_release_folder(source.path())
            .error()
            .message.rfind(source.path("release.json") + ": release manifest: refused, 4 problems:",
                           0) == 0);
}
