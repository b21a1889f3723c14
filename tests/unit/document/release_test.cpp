#include "document/release.hpp"

#include <doctest/doctest.h>

#include "sample_document.hpp"

using namespace muster;

namespace {
Release sample_release() {
  Release release;
  release.name = "etcd";
  release.version = "3.6.16";
  release.artifacts = {{"images/x.tar", ArtifactKind::image, "0644", sample::digest_a, 7},
                       {"bin/etcd", ArtifactKind::file, "0755", sample::digest_a, 42}};
  return release;
}
}  // namespace

TEST_CASE("a release manifest is canonical whatever the order of its artifacts") {
  const std::string golden = sample::golden("golden/document/release.json");
  CHECK(to_canonical_json(sample_release()) == golden);
  const auto read = parse_release(golden);
  REQUIRE_MESSAGE(read, read.error().message);
  CHECK(read->artifacts[0].path == "bin/etcd");
  CHECK(digest(*read) == digest(sample_release()));
  CHECK(digest(*read) == "sha256:74387013c8ab5e6c062af66e0dc58ec45cd0ff919fb8cec17ea8bb5675f05d18");
}

TEST_CASE("every problem of a release manifest is reported at once") {
  Release release = sample_release();
  release.name = "Etcd";
  release.architecture = "vax";
  release.artifacts[0].path = "../x";
  release.artifacts[1].path = "/bin/etcd";
  release.artifacts[1].mode = "4755";
  release.artifacts[1].digest = "sha256:ABC";
  CHECK(
      parse_release(to_canonical_json(release)).error().message ==
      "release manifest: refused, 6 problems:\n"
      "/name: expected a name such as 'containerd', found 'Etcd'\n"
      "/architecture: expected amd64 or arm64, found 'vax'\n"
      "/artifacts/0/path: expected a path inside the release's folder, other than release.json, found '../x'\n"
      "/artifacts/1/path: expected a path inside the release's folder, other than release.json, found '/bin/etcd'\n"
      "/artifacts/1/mode: expected 0644 or 0755, found '4755'\n"
      "/artifacts/1/digest: expected 'sha256:' and 64 lower-case hex digits, found 'sha256:ABC'");
}

TEST_CASE("an artifact has no name that an agent gives to unfinished downloads") {
  Release release = sample_release();
  release.artifacts[0].path = "bin/etcd.part";
  release.artifacts[1].path = "bin.part/etcd";
  CHECK(
      parse_release(to_canonical_json(release)).error().message ==
      "release manifest: refused, 2 problems:\n"
      "/artifacts/0/path: expected no name that ends in .part, as an agent's unfinished downloads do, found 'bin.part/etcd'\n"
      "/artifacts/1/path: expected no name that ends in .part, as an agent's unfinished downloads do, found 'bin/etcd.part'");
  release.artifacts[0].path = "bin/party.parts";
  release.artifacts[1].path = "part/.parting";
  CHECK(parse_release(to_canonical_json(release)));
}

TEST_CASE("unknown kinds, versions and repeated paths are refused") {
  Release release = sample_release();
  release.artifacts[0].path = "bin/etcd";
  CHECK(
      parse_release(to_canonical_json(release)).error().message ==
      "release manifest: refused, 1 problem:\n/artifacts/1/path: expected each path once, found 'bin/etcd' again");
  CHECK(parse_release(R"({"apiVersion":"muster/v9","kind":"Release","name":"a","version":"1",)"
                      R"("architecture":"amd64","artifacts":[{"path":"a","kind":"exe","mode":)"
                      R"("0644","digest":"x","size":-1}]})")
            .error()
            .message ==
        "release manifest: refused, 3 problems:\n"
        "/apiVersion: expected 'muster/v1', found 'muster/v9'\n"
        "/artifacts/0/kind: expected file, image, deb or manifest, found 'exe'\n"
        "/artifacts/0/size: expected a whole number from 0 to 18446744073709551615, found -1");
}
