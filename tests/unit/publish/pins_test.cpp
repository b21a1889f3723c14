// Versions that nobody wrote stay what they are until somebody asks for newer ones.
#include "document/strict_json.hpp"
#include "records/revision.hpp"
#include "sample_site.hpp"

using namespace muster;
using sample::Site;

namespace {

std::string version_of(const Site& site, const std::string& release) {
  for (const auto& found : site.document("n1").config.releases) {
    if (found.name == release) return found.version;
  }
  return "";
}

PublishOutcome upgrade(Site& site, const std::vector<std::string>& releases,
                       const std::string& text = sample::small_inventory()) {
  auto request = site.request(text);
  request.upgrades = releases;
  return Site::must(publish(site.context, request));
}

// As a program of before this one wrote it.
void forget_releases(Site& site) {
  const auto record = site.store.get(kinds::cluster, "lab");
  REQUIRE(record);
  auto value = nlohmann::json::parse(record->value);
  value.erase("releases");
  Transaction transaction;
  transaction.put(kinds::cluster, "lab", canonical_text(value));
  REQUIRE(site.store.commit(transaction));
}

}  // namespace

TEST_CASE("an import arms no fleet: it moves when it is told to, and is offered until then") {
  Site site;
  const auto first = site.publish(sample::small_inventory());
  site.add_release("containerd", "2.9.0");
  auto again = site.publish(sample::small_inventory());
  CHECK(again.revisions == first.revisions);
  REQUIRE(again.upgrades.size() == 1);
  CHECK(again.upgrades[0].cluster == "lab");
  CHECK(again.upgrades[0].release.name == "containerd");
  CHECK(again.upgrades[0].release.from == "1.0.0");
  CHECK(again.upgrades[0].release.to == "2.9.0");
  // Another change takes it along no more.
  site.publish(sample::small_inventory(", labels: {a: b}"));
  CHECK(version_of(site, "containerd") == "1.0.0");

  const auto moved = upgrade(site, {"containerd"});
  CHECK(moved.upgrades.empty());
  CHECK(version_of(site, "containerd") == "2.9.0");
  CHECK(version_of(site, "runc") == "1.0.0");
  // It stays there, too.
  site.add_release("containerd", "3.0.0");
  site.publish(sample::small_inventory(", labels: {c: d}"));
  CHECK(version_of(site, "containerd") == "2.9.0");
}

TEST_CASE("a rollback takes the versions back, and the next apply leaves them there") {
  Site site;
  site.publish(sample::small_inventory());
  site.add_release("containerd", "2.9.0");
  upgrade(site, {"containerd"});
  RollbackRequest back;
  back.cluster = "lab";
  back.revision = "1";
  back.actor = "operator anna";
  Site::must(roll_back(site.context, back));
  CHECK(version_of(site, "containerd") == "1.0.0");
  site.publish(sample::small_inventory(", labels: {a: b}"));
  CHECK(version_of(site, "containerd") == "1.0.0");
  back.revision = "2";
  Site::must(roll_back(site.context, back));
  CHECK(version_of(site, "containerd") == "2.9.0");
}

TEST_CASE("a cluster of an older store keeps what its machines are served") {
  Site site;
  const auto first = site.publish(sample::small_inventory());
  forget_releases(site);
  site.add_release("containerd", "2.9.0");
  site.add_release("etcd", "9.0.0");
  CHECK(site.publish(sample::small_inventory()).revisions == first.revisions);
  site.publish(sample::small_inventory(", labels: {a: b}"));
  CHECK(version_of(site, "containerd") == "1.0.0");
  CHECK(find_cluster(site.store, "lab")->record.releases.at("etcd") == "1.0.0");
}

TEST_CASE("a version that is no longer written stays; a name that cannot move is refused") {
  Site site;
  site.add_release("containerd", "2.9.0");
  const std::string written = sample::cluster("  releases: {containerd: 1.0.0}\n") +
                              sample::node("m1", "master", 11) + sample::node("n1", "node", 21);
  CHECK(site.publish(written).upgrades.empty());
  CHECK(site.publish(sample::small_inventory()).upgrades.size() == 1);
  CHECK(version_of(site, "containerd") == "1.0.0");
  const auto refusal = [&](const std::string& release, const std::string& text) {
    auto request = site.request(text);
    request.upgrades = {release};
    const auto refused = publish(site.context, request);
    REQUIRE_FALSE(refused);
    return to_text(refused.error().problems);
  };
  CHECK(
      refusal("containerd", written) ==
      "site.yaml:8:14: spec.releases[containerd]: expected a release whose version the inventory does not write, for --upgrade, found 'containerd'; `muster diff` lists those that can be upgraded; a version that is written is changed there\n");
  CHECK(
      refusal("contaynerd", sample::small_inventory())
          .ends_with(
              "found 'contaynerd'; `muster diff` lists those that can be upgraded; a version that is written is changed there\n"));
}
