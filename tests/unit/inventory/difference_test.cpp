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
  for (const Difference& difference : differences) out.push_back(to_text(difference));
  return out;
}

}  // namespace

TEST_CASE("equal documents differ in nothing, whatever their generation") {
  NodeDocument later = document();
  later.generation = 7;
  CHECK(diff_documents(document(), later).empty());
}

TEST_CASE("each change says its place and both values") {
  NodeDocument changed = document();
  changed.config.kubelet.max_pods = 120;
  changed.config.kubelet.labels["rack"] = "a";
  changed.config.releases.erase(changed.config.releases.begin());
  changed.config.releases.push_back({"new", "2.0", "sha256:" + std::string(64, '1'), 7});
  for (ReleaseReference& release : changed.config.releases) {
    if (release.name != "kubernetes") continue;
    release.version = "1.36.4";
    release.manifest_digest = "sha256:" + std::string(64, '0');
    ++release.size;
  }
  changed.config.banned_machines = {"n2"};
  changed.role.address = "10.77.0.99";
  CHECK(texts(diff_documents(document(), changed)) ==
        std::vector<std::string>{"/config/bannedMachines: [] -> [\"n2\"]",
                                 "/config/kubelet/labels/rack: added \"a\"",
                                 "/config/kubelet/maxPods: 110 -> 120",
                                 "/config/releases/cni-plugins: removed \"1.9.1\"",
                                 "/config/releases/kubernetes/version: \"1.36.3\" -> \"1.36.4\"",
                                 "/config/releases/new: added \"2.0\"",
                                 "/role/address: \"10.77.0.11\" -> \"10.77.0.99\""});
}

TEST_CASE("another build of the same version shows its digest") {
  NodeDocument changed = document();
  changed.config.releases[0].manifest_digest = "sha256:" + std::string(64, '0');
  const auto lines = texts(diff_documents(document(), changed));
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].ends_with(std::string(64, '0') + "\""));
}

TEST_CASE("another order of addons is a change") {
  NodeDocument one = document(), two = document();
  one.config.addons.push_back({"b", "x: y", {}});
  two.config.addons.insert(two.config.addons.begin(), {"b", "x: y", {}});
  CHECK(texts(diff_documents(one, two)) ==
        std::vector<std::string>{"/config/addons: [\"coredns\",\"b\"] -> [\"b\",\"coredns\"]"});
}
