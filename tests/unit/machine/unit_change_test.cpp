#include "machine/unit_change.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "fakes/example_document.hpp"
#include "machine/desired_state_of.hpp"

using namespace muster;

namespace {

DesiredState sound(const NodeDocument& document) {
  const auto state = desired_state_of(document, {}, {}, {});
  REQUIRE_MESSAGE(state, state.error().message);
  return *state;
}

// What a running machine with this role does after `change`.
template <class Change>
std::vector<std::string> effects(Role role, Change change) {
  const NodeDocument before = example_document(role);
  NodeDocument after = before;
  change(after);
  std::vector<std::string> lines;
  for (const auto& unit : changes_between(sound(before), sound(after)))
    lines.push_back(to_text(unit));
  return lines;
}

ReleaseReference& release(NodeDocument& document, const std::string& name) {
  auto& list = document.config.releases;
  const auto found = std::find_if(list.begin(), list.end(),
                                  [&](const auto& listed) { return listed.name == name; });
  REQUIRE(found != list.end());
  return *found;
}

void renew(NodeDocument& document, const std::string& name) {
  release(document, name).version += "-1";
  release(document, name).manifest_digest.back() = 'e';
}

}  // namespace

TEST_CASE("each release that a unit uses waits for that unit's turn") {
  const auto lines_of = [](const std::string& name) {
    return effects(Role::node, [&](NodeDocument& document) { renew(document, name); });
  };
  const auto version = [](const std::string& name) {
    NodeDocument document = example_document(Role::node);
    const std::string old = release(document, name).version;
    return fmt::format("{} {} -> {}-1", name, old, old);
  };
  CHECK(lines_of("runc") ==
        std::vector<std::string>{"containerd.service: restart at its turn: " + version("runc")});
  CHECK(lines_of("cni-plugins") ==
        std::vector<std::string>{"containerd.service: restart at its turn: " +
                                 version("cni-plugins")});
  CHECK(lines_of("haproxy") ==
        std::vector<std::string>{"kube-api-balancer.service: restart at its turn: " +
                                 version("haproxy")});
}

TEST_CASE("Debian packages of the host's tools wait with what runs them, also when they are new") {
  const auto lines = effects(Role::node, [](NodeDocument& document) {
    document.config.releases.push_back({"host-tools", "12.1", "sha256:tools", 1});
  });
  CHECK(lines == std::vector<std::string>{
                     "containerd.service: restart at its turn: host-tools 12.1 is new here",
                     "kube-proxy.service: restart at its turn: host-tools 12.1 is new here"});
}

TEST_CASE("a tool that is listed no more restarts nothing") {
  NodeDocument before = example_document(Role::node), after = before;
  before.config.releases.push_back({"host-tools", "12.1", "sha256:tools", 1});
  CHECK(changes_between(sound(before), sound(after)).empty());
}

TEST_CASE("what restarts nothing, or nobody, is at once") {
  CHECK(effects(Role::node, [](NodeDocument& document) {
          document.config.kubelet.labels["rack"] = "a";
        }).empty());
  CHECK(effects(Role::node,
                [](NodeDocument& document) {
                  document.config.kernel.sysctl["vm.swappiness"] = "1";
                }) == std::vector<std::string>{
                          "muster-kernel.service: restart at once: /etc/sysctl.d/90-muster.conf"});
  CHECK(effects(Role::node,
                [](NodeDocument& document) {
                  document.role.cluster.masters.push_back({"m9", "10.77.0.99"});
                }) ==
        std::vector<std::string>{
            "kube-api-balancer.service: reload at once: /etc/muster/kube-api-balancer.cfg"});
}

TEST_CASE("a setting waits, and units that come and go say so") {
  CHECK(
      effects(Role::node, [](NodeDocument& document) { document.config.kubelet.max_pods = 77; }) ==
      std::vector<std::string>{
          "kubelet.service: restart at its turn: /etc/kubernetes/kubelet.yaml"});
  const auto after = sound(example_document(Role::node));
  auto before = after;
  before.units.erase(before.units.begin());
  before.units.push_back({"old.service", {}, {}, {}, {}, {}, false});
  std::vector<std::string> lines;
  for (const auto& unit : changes_between(before, after)) lines.push_back(to_text(unit));
  CHECK(lines ==
        std::vector<std::string>{"muster-kernel.service: start at once: new on this machine",
                                 "old.service: stop at its turn: no longer wanted"});
}
