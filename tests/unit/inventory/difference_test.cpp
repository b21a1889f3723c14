#include "inventory/difference.hpp"

#include "sample_inventory.hpp"

using namespace muster;

namespace {

NodeDocument document(const std::string& node = "m1") {
  const auto compiled = compile(sample::example("lab"), "lab", sample::facts());
  REQUIRE_MESSAGE(compiled, to_text(compiled.error()));
  for (const NodeDocument& made : compiled->documents) {
    if (made.role.node == node) return made;
  }
  return {};
}

std::vector<std::string> texts(const std::vector<Difference>& differences) {
  std::vector<std::string> out;
  for (const Difference& difference : differences)
    out.push_back(to_text(difference) + " (" + std::string(name(difference.cost)) + ")");
  return out;
}

}  // namespace

TEST_CASE("equal documents differ in nothing, whatever their generation") {
  NodeDocument later = document();
  later.generation = 7;
  CHECK(diff_documents(document(), later).empty());
  CHECK(cost_of({}) == ChangeCost::none);
}

TEST_CASE("each change says its place, both values and its cost") {
  NodeDocument changed = document();
  changed.config.kubelet.max_pods = 120;
  changed.config.kubelet.labels["rack"] = "a";
  changed.config.releases.erase(changed.config.releases.begin());
  for (ReleaseReference& release : changed.config.releases) {
    if (release.name == "kubernetes") release.version = "1.36.4";
  }
  changed.config.banned_machines = {"n2"};
  changed.role.address = "10.77.0.99";
  const auto differences = diff_documents(document(), changed);
  CHECK(texts(differences) ==
        std::vector<std::string>{
            "/config/bannedMachines: [] -> [\"n2\"] (none)",
            "/config/kubelet/labels/rack: added \"a\" (none)",
            "/config/kubelet/maxPods: 110 -> 120 (restart)",
            "/config/releases/cni-plugins: removed {\"manifestDigest\":\"sha256:" +
                std::string(64, '7') + "\",\"name\":\"cni-plugins\",\"size\":... (none)",
            "/config/releases/kubernetes/version: \"1.36.3\" -> \"1.36.4\" (restart)",
            "/role/address: \"10.77.0.11\" -> \"10.77.0.99\" (reboot)"});
  CHECK(cost_of(differences) == ChangeCost::reboot);
}

TEST_CASE("another order of addons is a change") {
  NodeDocument one = document(), two = document();
  one.config.addons.push_back({"b", "x: y", {}});
  two.config.addons.insert(two.config.addons.begin(), {"b", "x: y", {}});
  CHECK(texts(diff_documents(one, two)) ==
        std::vector<std::string>{
            "/config/addons: [\"coredns\",\"b\"] -> [\"b\",\"coredns\"] (none)"});
}
