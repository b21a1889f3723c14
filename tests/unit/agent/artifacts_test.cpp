#include "agent/artifacts.hpp"

#include <doctest/doctest.h>

#include "fakes/fake_site.hpp"

using namespace muster;

namespace {

struct ArtifactsFixture {
  FakeHost machine;
  FakeSite site{machine.clock};
  FakeNetwork network{site};
  Checkpoint checkpoint;
  std::vector<std::string> sources{"http://10.0.0.254:8080"};
  ReleaseReference release = site.publish("etcd", "3.6", {{"bin/etcd", "E"}, {"bin/etcdctl", "C"}});

  Result<void> get(const ReleaseReference& wanted) {
    return install(machine.host, network, checkpoint, wanted, sources);
  }
  std::string reason() { return reason_to_install(machine.files, checkpoint, release); }
};

}  // namespace

TEST_CASE_FIXTURE(ArtifactsFixture,
                  "a missing release is downloaded, verified, stamped and made current") {
  CHECK(reason() == "missing");
  REQUIRE(get(release));
  CHECK(reason().empty());
  CHECK(machine.files.text("/opt/muster/current/etcd/bin/etcd") == "E");
  CHECK(machine.files.status("/opt/muster/current/etcd/bin/etcd")->mode == 0755);
  CHECK(machine.files.list("/opt/muster/releases/etcd").value() == std::vector<std::string>{"3.6"});
}

TEST_CASE_FIXTURE(ArtifactsFixture,
                  "an image that carries the release needs no download, but is verified") {
  machine.files.put("/opt/muster/releases/etcd/3.6/release.json",
                    site.artifacts[release.manifest_digest]);
  machine.files.put("/opt/muster/releases/etcd/3.6/bin/etcd", "E", 0755);
  machine.files.put("/opt/muster/releases/etcd/3.6/bin/etcdctl", "C", 0755);
  CHECK(reason() == "not verified yet");
  REQUIRE(get(release));
  CHECK(network.downloads.empty());
  CHECK(reason().empty());
}

TEST_CASE_FIXTURE(ArtifactsFixture, "an image whose file was altered is replaced from the store") {
  machine.files.put("/opt/muster/releases/etcd/3.6/release.json",
                    site.artifacts[release.manifest_digest]);
  machine.files.put("/opt/muster/releases/etcd/3.6/bin/etcd", "evil", 0755);
  machine.files.put("/opt/muster/releases/etcd/3.6/bin/etcdctl", "C", 0755);
  REQUIRE(get(release));
  CHECK(machine.files.text("/opt/muster/current/etcd/bin/etcd") == "E");
  sources.clear();
  machine.files.put("/opt/muster/releases/etcd/3.6/bin/etcd", "evil", 0755);
  CHECK(reason() == "bin/etcd changed");
  CHECK(get(release).error().message ==
        "release etcd 3.6: '/opt/muster/releases/etcd/3.6/bin/etcd': expected digest " +
            sha256_digest("E") + ", found " + sha256_digest("evil") +
            "; the server is away, so it cannot be downloaded");
}

TEST_CASE_FIXTURE(ArtifactsFixture, "a manifest of other bytes is refused") {
  site.artifacts[release.manifest_digest][0] = ' ';
  const auto got = get(release);
  REQUIRE_FALSE(got);
  CHECK(got.error().message.rfind("release etcd 3.6: manifest: " + release.manifest_digest, 0) ==
        0);
  CHECK_FALSE(machine.files.has("/opt/muster/releases/etcd/3.6"));
}

TEST_CASE_FIXTURE(ArtifactsFixture,
                  "versions lie side by side, the last one is kept, older ones go") {
  const auto second = site.publish("etcd", "3.7", {{"bin/etcd", "E7"}});
  const auto third = site.publish("etcd", "3.8", {{"bin/etcd", "E8"}});
  for (const auto& one : {release, second, third}) {
    REQUIRE(get(one));
    prune_releases(machine.files, checkpoint, {one});
  }
  CHECK(machine.files.list("/opt/muster/releases/etcd").value() ==
        std::vector<std::string>{"3.7", "3.8"});
  CHECK(machine.files.text("/opt/muster/current/etcd/bin/etcd") == "E8");
  CHECK(checkpoint.releases.count("etcd/3.6") == 0);
}

TEST_CASE_FIXTURE(ArtifactsFixture, "a crash at any point leaves the old version or the new one") {
  REQUIRE(get(release));
  const auto second = site.publish("etcd", "3.7", {{"bin/etcd", "E7"}});
  for (int at = 0; at < 40; ++at) {
    machine.files.restart();
    machine.files.crash_at = at;
    const auto done = get(second);
    machine.files.restart();
    const auto text = machine.files.text("/opt/muster/current/etcd/bin/etcd");
    CHECK((text == "E" || text == "E7"));
    if (done) return;
  }
  FAIL("expected an installation to take fewer changes");
}
