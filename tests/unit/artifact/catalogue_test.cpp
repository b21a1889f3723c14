#include "artifact/catalogue.hpp"

#include <doctest/doctest.h>

#include "pki/signature.hpp"

using namespace muster;

namespace {
Release release(const std::string& version, const std::string& content = "x") {
  Release made;
  made.name = "etcd";
  made.version = version;
  made.artifacts = {{"bin/etcd", ArtifactKind::file, "0755", sha256_digest(content), 40},
                    {"bin/etcdctl", ArtifactKind::file, "0755", sha256_digest("ctl"), 2}};
  return made;
}
}  // namespace

TEST_CASE("the newest version is the newest by number") {
  const Catalogue catalogue(
      {release("3.6.9"), release("3.6.16"), release("3.7.0-rc.1"), release("3.5.30")});
  CHECK(catalogue.newest("etcd").value()->version == "3.7.0-rc.1");
  CHECK(catalogue.find("etcd", "3.6.16").value()->size == 42);
  CHECK(catalogue.releases().front().version == "3.5.30");
}

TEST_CASE("what is not there is told with what is, and the cure") {
  const Catalogue catalogue({release("3.6.16"), release("3.6.9")});
  CHECK(
      catalogue.find("etcd", "3.7.0").error().message ==
      "release etcd 3.7.0: not in the store; the store holds 3.6.9, 3.6.16. Import it with 'muster release import DIR', or name a version that is there");
  CHECK(
      catalogue.newest("runc").error().message ==
      "release runc: the store holds no version of runc. Import one with 'muster release import DIR'");
}

TEST_CASE("a version never changes its content") {
  Catalogue catalogue;
  REQUIRE(catalogue.add(release("3.6.16")));
  CHECK(catalogue.add(release("3.6.16")));
  CHECK(catalogue.releases().size() == 1);
  const auto changed = catalogue.add(release("3.6.16", "y"));
  REQUIRE_FALSE(changed);
  CHECK(changed.error().kind == ErrorKind::conflict);
  CHECK(changed.error().message ==
        "release etcd 3.6.16: expected the manifest " + digest(release("3.6.16")) +
            " that is in the store, found " + digest(release("3.6.16", "y")) +
            ": a version never changes; give the new content a version of its own");
}

TEST_CASE("what releases refer to is what prune keeps") {
  Catalogue catalogue({release("1.0", "a"), release("2.0", "b")});
  CHECK(catalogue.referred().size() == 5);  // two manifests, two servers, one client
  catalogue.remove("etcd", "1.0");
  CHECK(catalogue.referred() == std::set<std::string>{digest(release("2.0", "b")),
                                                      sha256_digest("b"), sha256_digest("ctl")});
}
