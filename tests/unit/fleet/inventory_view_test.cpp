// Where enrolment finds machines, by the store's feed.
#include "fleet/inventory_view.hpp"

#include <doctest/doctest.h>

#include "store/kinds.hpp"

using namespace muster;

namespace {

InventoryFiles files() {
  return {
      {"site.yaml",
       "apiVersion: muster/v1\nkind: Cluster\nmetadata: {name: lab}\nspec:\n"
       "  kubernetesVersion: 1.36.3\n  podCidr: 10.64.0.0/16\n  serviceCidr: 10.96.0.0/16\n---\n"
       "apiVersion: muster/v1\nkind: Node\nmetadata: {name: m1}\n"
       "spec: {cluster: lab, role: master, address: 10.77.0.11}\n"}};
}

Transaction::Change cluster() {
  ClusterRecord record;
  record.name = "lab";
  record.revision_number = 1;
  record.inventory = inventory_digest(files(), 0);
  return {std::string(kinds::cluster), "lab", to_json(record)};
}

Transaction::Change revision() {
  Revision revision;
  revision.cluster = "lab";
  revision.number = 1;
  revision.files = files();
  return {std::string(kinds::revision), kinds::revision_key("lab", 1), to_json(revision)};
}

}  // namespace

TEST_CASE("what its publisher has read is not read again; where nobody has, the revision is") {
  Quarantine quarantine;
  const auto memory = std::make_shared<PublicationMemory>();
  InventoryView view(quarantine, memory);
  REQUIRE(view.follow({1, {cluster()}}));
  CHECK(view.enrolment()->node({"lab", "m1"}) == nullptr);
  memory->remember("lab", inventory_digest(files(), 0),
                   std::make_shared<const Inventory>(load(files()).value()));
  REQUIRE(view.follow({1, {cluster()}}));
  const ListedNode* found = view.enrolment()->node({"lab", "m1"});
  REQUIRE(found != nullptr);
  CHECK(found->role == Role::master);
  CHECK(found->address == "10.77.0.11");
  CHECK(view.enrolment()->certificate_lifetime("lab") == std::chrono::hours(24 * 90));

  InventoryView alone(quarantine);
  REQUIRE(alone.follow({1, {revision(), cluster()}}));
  CHECK(alone.enrolment()->role_of({"lab", "m1"}) == Role::master);
  CHECK(alone.enrolment()->node({"lab", "m2"}) == nullptr);
}

TEST_CASE("of a cluster that is gone nothing is remembered") {
  Quarantine quarantine;
  const auto memory = std::make_shared<PublicationMemory>();
  InventoryView view(quarantine, memory);
  memory->remember("lab", inventory_digest(files(), 0),
                   std::make_shared<const Inventory>(load(files()).value()));
  REQUIRE(view.follow({1, {cluster()}}));
  REQUIRE(view.follow({2, {{std::string(kinds::cluster), "lab", std::nullopt}}}));
  CHECK(view.enrolment()->node({"lab", "m1"}) == nullptr);
  CHECK(memory->inventory("lab", inventory_digest(files(), 0)) == nullptr);
}
