#include "inventory/flat_inventory.hpp"

#include <doctest/doctest.h>

#include "fakes/golden.hpp"
#include "inventory/load.hpp"

using namespace muster;

namespace {

FlatMetadata document(Role role, const std::string& node, const std::string& master,
                      std::vector<std::string> nodes) {
  FlatMetadata flat;
  flat.role = role;
  flat.node = node;
  flat.domain = "b126.example";
  flat.api_server_domain = "api.b126.example";
  flat.etcd_domain = "etcd.b126.example";
  flat.master = master;
  flat.nodes = std::move(nodes);
  return flat;
}

FlatTranslation example() {
  FlatTranslation input;
  input.kubernetes_version = "1.36.3";
  input.documents = {{"f1.json", document(Role::follower, "m2", "m1.b126.example", {"n1", "n2"})},
                     {"n2.json", document(Role::node, "n2", "m1.b126.example", {"n1", "n2"})}};
  input.addresses = read_hosts(
      "127.0.0.1 localhost\n::1 n1\n10.77.0.11 m1.b126.example m1 # the master\n"
      "10.77.0.12\tm2\n10.77.0.21 n1\n10.77.0.22 n2.b126.example\n10.77.0.99 n2\n");
  return input;
}

std::string refusal(const FlatTranslation& input) {
  const auto yaml = to_inventory_yaml(input);
  return yaml ? *yaml : yaml.error().message;
}

}  // namespace

TEST_CASE("flat metadata becomes an inventory that loads") {
  const auto yaml = to_inventory_yaml(example());
  REQUIRE_MESSAGE(yaml, (yaml ? "" : yaml.error().message));
  check_golden("inventory/flat.yaml", *yaml);
  const auto inventory = load({{"flat.yaml", *yaml}});
  REQUIRE_MESSAGE(inventory, (inventory ? "" : to_text(inventory.error())));
  CHECK(inventory->clusters.at("b126").api_host.value == "api.b126.example");
  CHECK(nodes_of(*inventory, "b126").size() == 4);
}

TEST_CASE("one document is enough for a master and its nodes; an address needs no hosts") {
  auto input = example();
  input.documents = {{"m1.json", document(Role::master, "m1", "10.77.0.11", {"n1"})}};
  input.addresses = {{"n1", "10.77.0.21"}};
  const auto yaml = to_inventory_yaml(input);
  REQUIRE(yaml);
  const auto inventory = load({{"flat.yaml", *yaml}});
  REQUIRE(inventory);
  REQUIRE(nodes_of(*inventory, "b126").size() == 2);
  CHECK(nodes_of(*inventory, "b126")[0]->address.value == "10.77.0.11");
}

TEST_CASE("contradictions between documents and missing addresses are said at once") {
  auto input = example();
  input.documents["g.json"] = document(Role::master, "m3", "m9.b126.example", {"m2", "n7"});
  input.documents["g.json"].domain = "b127.example";
  input.documents["h.json"] = document(Role::master, "m4", "m1.b126.example", {});
  input.documents["i.json"] = document(Role::node, "m2", "m1.b126.example", {});
  CHECK(
      refusal(input) ==
      "flat metadata: refused, 9 problems:\n"
      "g.json /domainsEnv: expected BASE_DOMAIN='b126.example' as in f1.json, found 'b127.example'\n"
      "g.json /masterAddr: expected 'm1.b126.example' as in f1.json, found 'm9.b126.example'\n"
      "h.json /myRole: expected one master, found 'm4' beside 'm3' of g.json; further ones are masterFollower\n"
      "i.json /myDomain: expected a machine of its own, found 'm2' of f1.json again\n"
      "f1.json /masterAddr: expected 'm3', the master of g.json, found 'm1'\n"
      "g.json /kubenodesAddr: expected nodes, found 'm2', which is follower by f1.json\n"
      "g.json /myDomain: expected an address of 'm3.b126.example' among the hosts, found none\n"
      "h.json /myDomain: expected an address of 'm4.b126.example' among the hosts, found none\n"
      "g.json /kubenodesAddr: expected an address of 'n7.b126.example' among the hosts, found none");
}

TEST_CASE("a master that is known by its address alone has no name") {
  auto input = example();
  input.documents = {{"n2.json", document(Role::node, "n2", "10.77.0.11", {"n2"})}};
  CHECK(
      refusal(input) ==
      "flat metadata: refused, 1 problem:\n"
      "n2.json /masterAddr: expected the master's name, or its own document, found 10.77.0.11 alone");
  input.documents = {{"m1.json", document(Role::node, "m1", "m1.b126.example", {})}};
  CHECK(refusal(input) ==
        "flat metadata: refused, 1 problem:\n"
        "m1.json /myRole: expected master, as masterAddr of m1.json says, found node");
  input.documents.clear();
  CHECK(refusal(input) == "flat metadata: expected a document, found none");
}
