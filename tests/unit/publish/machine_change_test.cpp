#include "publish/machine_change.hpp"

#include "sample_site.hpp"

using namespace muster;
using sample::Site;

namespace {

// What the next publication of this text does to one machine.
MachineChange change_of(Site& site, const std::string& text, const std::string& node,
                        const std::vector<std::string>& upgrades = {}) {
  auto request = site.request(text);
  request.upgrades = upgrades;
  request.dry_run = true;
  for (const auto& change : Site::must(publish(site.context, request)).changes) {
    if (change.node == node) return change;
  }
  FAIL("no change of " << node);
  return {};
}

}  // namespace

TEST_CASE("a newer build of what containerd starts is told beforehand, machine by machine") {
  Site site;
  site.publish(sample::small_inventory());
  site.add_release("runc", "1.0.1");
  for (const char* node : {"m1", "n1"}) {
    const auto change = change_of(site, sample::small_inventory(), node, {"runc"});
    CHECK(change.differences ==
          std::vector<std::string>{"/config/releases/runc/version: \"1.0.0\" -> \"1.0.1\""});
    CHECK(change.effects ==
          std::vector<std::string>{"containerd.service: restart at its turn: runc 1.0.0 -> 1.0.1"});
    CHECK(change.cost == ChangeCost::restart);
  }
}

TEST_CASE("kernel arguments cost a reboot") {
  Site site;
  site.add_release("image-tower", "20261202.050000");
  site.publish(sample::small_inventory(", overrides: {netboot: {image: tower}}"));
  const auto change = change_of(
      site,
      sample::small_inventory(
          ", overrides: {netboot: {image: tower}, kernel: {arguments: [hugepages=4, quiet]}}"),
      "n1");
  CHECK(change.differences ==
        std::vector<std::string>{R"(/config/kernel/arguments: added ["hugepages=4","quiet"])"});
  CHECK(change.effects ==
        std::vector<std::string>{"kernel: at its next boot: arguments '' -> 'hugepages=4 quiet'"});
  CHECK(change.cost == ChangeCost::reboot);
}

TEST_CASE("a newer image is taken by --upgrade alone, and costs a reboot") {
  Site site;
  const std::string netboots = sample::small_inventory(", overrides: {netboot: {image: tower}}");
  site.add_release("image-tower", "20261202.050000");
  site.publish(netboots);
  site.add_release("image-tower", "20261203.050000");
  CHECK(change_of(site, netboots, "n1").kind == MachineChange::Kind::unchanged);
  const auto change = change_of(site, netboots, "n1", {"image-tower"});
  CHECK(change.effects ==
        std::vector<std::string>{
            "image: at its next boot: image-tower 20261202.050000 -> image-tower 20261203.050000"});
  CHECK(change.cost == ChangeCost::reboot);
  CHECK(change_of(site, netboots, "m1", {"image-tower"}).kind == MachineChange::Kind::unchanged);
}

TEST_CASE("what restarts nothing costs nothing, and says what it does at once") {
  Site site;
  site.publish(sample::small_inventory());
  auto change = change_of(
      site, sample::small_inventory(", overrides: {kernel: {sysctl: {vm.swappiness: '1'}}}"), "n1");
  CHECK(change.effects ==
        std::vector<std::string>{
            "muster-kernel.service: restart at once: /etc/sysctl.d/90-muster.conf"});
  CHECK(change.cost == ChangeCost::none);
  change = change_of(site, sample::small_inventory(", labels: {a: b}"), "n1");
  CHECK_FALSE(change.differences.empty());
  CHECK(change.effects.empty());
  CHECK(change.cost == ChangeCost::none);
}

TEST_CASE("passing over to the two releases of Kubernetes is told, and so is going back") {
  Site site;
  site.publish(sample::small_inventory());
  for (const char* name : {"kubernetes-node", "kubernetes-control-plane"})
    site.add_release(name, "1.36.3");
  const auto forth = change_of(site, sample::small_inventory(), "n1", {"kubernetes-node"});
  CHECK(forth.differences ==
        std::vector<std::string>{"/config/releases/kubernetes: removed \"1.36.3\"",
                                 "/config/releases/kubernetes-node: added \"1.36.3\""});
  CHECK(forth.effects ==
        std::vector<std::string>{
            "kubelet.service: restart at its turn: kubernetes-node 1.36.3 is new here",
            "kube-proxy.service: restart at its turn: kubernetes-node 1.36.3 is new here"});
  auto upgrade = site.request(sample::small_inventory());
  upgrade.upgrades = {"kubernetes-node"};
  Site::must(publish(site.context, upgrade));
  Transaction removed;
  for (const char* name : {"kubernetes-node", "kubernetes-control-plane"})
    removed.remove(kinds::release, kinds::pair_key(name, "1.36.3"));
  REQUIRE(site.store.commit(removed));
  const auto back = change_of(site, sample::small_inventory(), "n1");
  REQUIRE(back.effects.size() == 3);
  CHECK(
      back.effects.back() ==
      "warning: goes back to the release kubernetes, which is kubernetes-node and kubernetes-control-plane in one: every machine downloads all of it; import these two in the wanted version to stay with them");
}
