#include "agent/foundation/artifacts.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <condition_variable>
#include <sstream>

#include "agent/foundation/release_prune.hpp"
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
    return install(machine.host, network, checkpoint, wanted, sources, [](auto) {});
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

TEST_CASE_FIXTURE(ArtifactsFixture,
                  "releases come at once, and each is in its place whatever became of the others") {
  const auto runc = site.publish("runc", "1.5", {{"bin/runc", "R"}});
  const auto cni = site.publish("cni", "1.9", {{"bin/bridge", "B"}, {"bin/ptp", "P"}});
  site.artifacts.erase(sha256_digest("E"));
  site.artifacts.erase(sha256_digest("P"));
  const auto brought =
      bring_releases(machine.host, network, checkpoint, {release, runc, cni}, sources);
  REQUIRE_FALSE(brought);
  CHECK(brought.error().kind == ErrorKind::not_found);
  const auto missing = [](const std::string& bytes) {
    return sha256_digest(bytes) + " from no source:\nhttp://10.0.0.254:8080: no such artifact";
  };
  CHECK(brought.error().message == "release etcd 3.6: bin/etcd: " + missing("E") +
                                       "\nrelease cni 1.9: bin/ptp: " + missing("P"));
  CHECK(machine.files.has("/opt/muster/releases/runc/1.5/bin/runc"));
  CHECK_FALSE(machine.files.has("/opt/muster/releases/etcd/3.6"));
  CHECK(checkpoint.releases.size() == 1);
  CHECK(reason_to_install(machine.files, checkpoint, runc) == "not current");

  // The next run asks for nothing that is there.
  site.artifacts[sha256_digest("E")] = "E";
  site.artifacts[sha256_digest("P")] = "P";
  network.downloads.clear();
  REQUIRE(bring_releases(machine.host, network, checkpoint, {release, runc, cni}, sources));
  std::sort(network.downloads.begin(), network.downloads.end());
  std::vector<std::string> asked{sha256_digest("E") + " from 0 or zstd",
                                 sha256_digest("P") + " from 0 or zstd"};
  std::sort(asked.begin(), asked.end());
  CHECK(network.downloads == asked);
  CHECK(checkpoint.releases.size() == 3);
}

TEST_CASE_FIXTURE(ArtifactsFixture,
                  "after a failure of the disk its cause is the first thing told") {
  std::map<std::string, std::string> large;
  for (std::size_t i = 0; i < 6; ++i) large[fmt::format("bin/p{}", i)] = std::string(10 + i, 'p');
  const auto many = site.publish("many", "1", large);
  // The manifests and folders are there; then the disk is gone.
  const auto kept = site.artifacts;
  std::erase_if(site.artifacts, [](const auto& artifact) { return artifact.second.size() < 20; });
  REQUIRE_FALSE(bring_releases(machine.host, network, checkpoint, {release, many}, sources));
  site.artifacts = kept;
  machine.files.crash_at = machine.files.calls;
  const auto brought = bring_releases(machine.host, network, checkpoint, {release, many}, sources);
  REQUIRE_FALSE(brought);
  CHECK(brought.error().kind == ErrorKind::io);
  std::vector<std::string> lines;
  std::istringstream text(brought.error().message);
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  REQUIRE(lines.size() >= 3);
  CHECK(lines[0].starts_with(
      "release etcd 3.6: 2 of 2 artifacts not tried after a failure of the disk: bin/p"));
  CHECK(lines[0].ends_with(": power lost"));
  CHECK(lines[1].starts_with("release many 1: bin/p"));
  CHECK(lines[1].ends_with(": power lost"));
  CHECK(lines.back().find(" of 6 artifacts not tried after a failure of the disk: bin/p") !=
        std::string::npos);
}

TEST_CASE_FIXTURE(ArtifactsFixture, "a source that stalls costs its time once") {
  std::map<std::string, std::string> files;
  for (std::size_t i = 0; i < 12; ++i) files[fmt::format("bin/p{}", i)] = std::string(10 + i, 'p');
  const auto many = site.publish("many", "1", files);
  int stalls = 0;
  network.rogue = [&](const std::string& url, const Download&) -> std::optional<Result<int>> {
    if (url != "http://stalls") return std::nullopt;
    ++stalls;
    return fail(ErrorKind::timeout, "no byte came");
  };
  sources = {"http://stalls", "http://good"};
  REQUIRE(get(many));
  CHECK(stalls == 1);
}

TEST_CASE_FIXTURE(ArtifactsFixture, "nothing is placed but what the manifest names") {
  const std::string staging = "/opt/muster/releases/etcd/.3.6.new/";
  const std::string elsewhere = "/elsewhere/E";
  machine.files.put(elsewhere, "E");
  machine.files.put(staging + "bin/kubectl", "stray", 0755);
  machine.files.put(staging + "bin/old.part", "stray");
  machine.files.put(staging + "lib/deep/er", "stray");
  machine.files.put(staging + "release.json.part", "stray");
  machine.files.put(staging + "bin/etcdctl/folder", "stray");
  REQUIRE(machine.files.link(staging + "bin/etcd", elsewhere));
  REQUIRE(machine.files.link(staging + "bin/etcd.part", elsewhere));
  REQUIRE(machine.files.link(staging + "sbin", "/elsewhere"));
  REQUIRE(get(release));
  const std::string placed = "/opt/muster/releases/etcd/3.6";
  CHECK(machine.files.list(placed).value() == std::vector<std::string>{"bin", "release.json"});
  CHECK(machine.files.list(placed + "/bin").value() == std::vector<std::string>{"etcd", "etcdctl"});
  for (const char* file : {"/bin/etcd", "/bin/etcdctl", "/release.json"}) {
    CHECK(machine.files.status(placed + file)->type == FileStatus::Type::file);
  }
  CHECK(machine.files.text(elsewhere) == "E");
}

TEST_CASE_FIXTURE(ArtifactsFixture, "several artifacts are on their way at once") {
  std::map<std::string, std::string> files;
  for (int i = 0; i < 8; ++i)
    files[fmt::format("bin/p{}", i)] = std::string(static_cast<std::size_t>(i) + 1, 'p');
  const auto many = site.publish("many", "1", files);
  std::mutex mutex;
  std::condition_variable all_there;
  int waiting = 0, most = 0;
  network.on_download = [&] {
    std::unique_lock lock(mutex);
    most = std::max(most, ++waiting);
    all_there.notify_all();
    all_there.wait_for(lock, std::chrono::milliseconds(200), [&] { return waiting >= 4; });
    --waiting;
  };
  REQUIRE(get(many));
  CHECK(most == 4);
}

TEST_CASE_FIXTURE(ArtifactsFixture,
                  "a stamp that holds is not hashed again, nor asked for without a server") {
  REQUIRE(get(release));
  sources.clear();
  REQUIRE(machine.files.remove("/opt/muster/current/etcd"));
  CHECK(reason() == "not current");
  REQUIRE(get(release));
  CHECK(machine.files.text("/opt/muster/current/etcd/bin/etcd") == "E");
}

TEST_CASE_FIXTURE(ArtifactsFixture,
                  "cut off while a damaged release is replaced, the next run makes it good") {
  REQUIRE(get(release));
  for (int at = 0; at < 40; ++at) {
    machine.files.restart();
    machine.files.put("/opt/muster/releases/etcd/3.6/bin/etcd", "evil", 0755);
    machine.files.crash_at = at;
    const auto done = get(release);
    machine.files.restart();
    REQUIRE(get(release));
    CHECK(machine.files.text("/opt/muster/current/etcd/bin/etcd") == "E");
    CHECK(reason().empty());
    if (done) return;
  }
  FAIL("expected a replacement to take fewer changes");
}

TEST_CASE_FIXTURE(ArtifactsFixture,
                  "the undivided kubernetes also stands for the two that it became") {
  const auto whole = site.publish("kubernetes", "1.36.3", {{"bin/kubelet", "K"}});
  REQUIRE(get(whole));
  for (const char* name : {"kubernetes", "kubernetes-node", "kubernetes-control-plane"}) {
    CHECK(machine.files.text(fmt::format("/opt/muster/current/{}/bin/kubelet", name)) == "K");
  }
  CHECK(replaced_release(machine.files, checkpoint, whole).empty());

  // Divided: it is current once its link leads to it, whatever the version.
  const auto node = site.publish("kubernetes-node", "1.36.3", {{"bin/kubelet", "N"}});
  CHECK(replaced_release(machine.files, checkpoint, node) == "kubernetes 1.36.3");
  REQUIRE(get(node));
  CHECK(machine.files.text("/opt/muster/current/kubernetes-node/bin/kubelet") == "N");
  CHECK(replaced_release(machine.files, checkpoint, whole) == "kubernetes-node 1.36.3");
  CHECK(reason_to_install(machine.files, checkpoint, whole) == "not current");

  // The way back stays until there is another one.
  prune_releases(machine.files, checkpoint, {node});
  CHECK(machine.files.has("/opt/muster/releases/kubernetes/1.36.3/bin/kubelet"));
  const auto next = site.publish("kubernetes-node", "1.36.4", {{"bin/kubelet", "M"}});
  REQUIRE(get(next));
  prune_releases(machine.files, checkpoint, {next});
  CHECK_FALSE(machine.files.has("/opt/muster/releases/kubernetes"));
  CHECK(checkpoint.releases.size() == 2);
}

TEST_CASE_FIXTURE(ArtifactsFixture, "what runs is not pruned while newer ones are brought ahead") {
  REQUIRE(get(release));
  std::vector<ReleaseReference> newer;
  for (const char* version : {"4.0", "4.1"}) {
    newer.push_back(site.publish("etcd", version, {{"bin/etcd", version}}));
    REQUIRE(bring_releases(machine.host, network, checkpoint, {newer.back()}, sources));
    CHECK(reason_to_bring(machine.files, checkpoint, newer.back()).empty());
    CHECK(reason_to_install(machine.files, checkpoint, newer.back()) == "not current");
    CHECK(replaced_release(machine.files, checkpoint, newer.back()) == release.version);
    prune_releases(machine.files, checkpoint, {newer.back()});
  }
  CHECK(machine.files.text("/opt/muster/current/etcd/bin/etcd") == "E");
  CHECK_FALSE(machine.files.has("/opt/muster/releases/etcd/4.0"));
  REQUIRE(get(newer.back()));
  prune_releases(machine.files, checkpoint, {newer.back()});
  CHECK(machine.files.has("/opt/muster/releases/etcd/" + release.version + "/bin/etcd"));

  const auto whole = site.publish("kubernetes", "1.36.3", {{"bin/kubelet", "K"}});
  REQUIRE(get(whole));
  for (const char* version : {"1.36.4", "1.36.5"}) {
    const auto node = site.publish("kubernetes-node", version, {{"bin/kubelet", version}});
    REQUIRE(bring_releases(machine.host, network, checkpoint, {node}, sources));
    prune_releases(machine.files, checkpoint, {node});
  }
  CHECK(machine.files.text("/opt/muster/current/kubernetes-node/bin/kubelet") == "K");
}

TEST_CASE_FIXTURE(ArtifactsFixture, "another build of a version is told apart from what runs") {
  REQUIRE(get(release));
  CHECK(replaced_release(machine.files, checkpoint, release).empty());
  ReleaseReference other = release;
  other.manifest_digest = "sha256:" + std::string(64, '0');
  CHECK(replaced_release(machine.files, checkpoint, other) ==
        "another build of " + release.version);
  other.name = "never-there";
  CHECK(replaced_release(machine.files, checkpoint, other) == "not there yet");
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
