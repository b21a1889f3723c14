#include "document/validate.hpp"
#include "inventory/explain.hpp"
#include "inventory/pool_members.hpp"
#include "sample_inventory.hpp"

using namespace muster;
using sample::compile_problems;
using sample::loaded;
using sample::node;
using sample::problems;
using sample::small_cluster;

namespace {

const std::string machines_network = "  nodeCidr: 10.77.0.0/16\n";

std::string pool(const std::string& name, const std::string& role, const std::string& more = "",
                 const std::string& pattern = "") {
  return "---\napiVersion: muster/v1\nkind: NodePool\nmetadata: {name: " + name +
         "}\nspec: {cluster: lab, role: " + role + ", namePattern: '" +
         (pattern.empty() ? name : pattern) +
         "-{index}', maximum: 3, addressRanges: [10.77.1.0/24]" + more +
         (more.find("proofs:") == std::string::npos ? ", proofs: [token]}\n" : "}\n");
}

std::string listed_master() {
  return small_cluster(machines_network) + node("m1", "master", "10.77.0.11");
}

SiteFacts facts_with(const std::vector<PoolMember>& members) {
  SiteFacts facts = sample::facts();
  facts.members = members;
  return facts;
}

std::vector<std::string> names_of(const CompiledCluster& compiled) {
  std::vector<std::string> names;
  for (const NodeDocument& document : compiled.documents) names.push_back(document.role.node);
  return names;
}

}  // namespace

TEST_CASE("a member is compiled like a node that is listed with the same fields") {
  const std::string settings = ", labels: {rack: a}, overrides: {kubelet: {maxPods: 50}}";
  const Inventory with_pool = loaded(listed_master() + pool("ci", "node", settings));
  const Inventory with_node = loaded(listed_master() + node("ci-2", "node", "10.77.1.9", settings));
  auto members = compile(with_pool, "lab", facts_with({{"ci-2", "ci", Role::node, "10.77.1.9"}}));
  const auto listed = compile(with_node, "lab", sample::facts());
  REQUIRE(members);
  REQUIRE(listed);
  CHECK(names_of(*members) == std::vector<std::string>{"ci-2", "m1"});
  // The one difference: its name was chosen by the server.
  CHECK(std::exchange(members->documents[0].role.pool, {}) == "ci");
  for (std::size_t index = 0; index < 2; ++index)
    CHECK(to_canonical_json(members->documents[index]) ==
          to_canonical_json(listed->documents[index]));
  CHECK(to_canonical_json(members->peers) == to_canonical_json(listed->peers));
  CHECK(members->pod_cidrs == listed->pod_cidrs);
}

TEST_CASE("a pool without members changes nothing, and a member without its pool is no machine") {
  const Inventory inventory = loaded(listed_master() + pool("ci", "node"));
  CHECK(names_of(*compile(inventory, "lab", sample::facts())) == std::vector<std::string>{"m1"});
  const SiteFacts other = facts_with({{"old-1", "old", Role::node, "10.77.1.9"}});
  CHECK(names_of(*compile(inventory, "lab", other)) == std::vector<std::string>{"m1"});
}

TEST_CASE("masters of a pool start together, and stay when one of them leaves") {
  const Inventory inventory = loaded(small_cluster(machines_network) +
                                     pool("m", "master", ", minimum: 3") + pool("ci", "node"));
  SiteFacts facts = facts_with({{"m-1", "m", Role::master, "10.77.1.1"},
                                {"m-3", "m", Role::follower, "10.77.1.3"},
                                {"ci-1", "ci", Role::node, "10.77.1.9"}});
  CHECK(names_of(*compile(inventory, "lab", facts)).empty());
  CHECK(compile(inventory, "lab", facts)->peers.peers.empty());
  facts.members.push_back({"m-2", "m", Role::follower, "10.77.1.2"});
  const auto compiled = compile(inventory, "lab", facts);
  REQUIRE(compiled);
  CHECK(names_of(*compiled) == std::vector<std::string>{"ci-1", "m-1", "m-2", "m-3"});
  for (NodeDocument document : compiled->documents) {
    document.generation = 1;  // as the server gives it
    CHECK(to_text(validate(document)) == "");
    REQUIRE(document.role.cluster.masters.size() == 3);
    CHECK(document.role.cluster.masters.front().name == "m-1");
  }
  facts.members.pop_back();
  facts.is_started = true;
  CHECK(names_of(*compile(inventory, "lab", facts)) ==
        std::vector<std::string>{"ci-1", "m-1", "m-3"});
}

TEST_CASE("what is to become of a machine's pods is in the peer list, and in no document") {
  const Inventory inventory = loaded(listed_master() + pool("ci", "node"));
  SiteFacts facts = facts_with({{"ci-1", "ci", Role::node, "10.77.1.1"}});
  const auto before = compile(inventory, "lab", facts);
  facts.drains = {{"ci-1", Drain::evict}, {"gone", Drain::cordon}};
  CHECK(parse_site_facts(to_json(facts))->drains == facts.drains);
  const auto after = compile(inventory, "lab", facts);
  CHECK(after->peers.peers.front().drain == Drain::evict);
  CHECK(after->peers.peers.back().drain == Drain::none);
  for (std::size_t i = 0; i < 2; ++i)
    CHECK(to_canonical_json(after->documents[i]) == to_canonical_json(before->documents[i]));
}

TEST_CASE("what a pool cannot be is told at once") {
  CHECK(
      problems(
          {{"lab.yaml",
            small_cluster() + node("m1", "master", "10.77.0.11") +
                pool("ci", "node", ", minimum: 4, proofs: [trust]") +
                pool("web", "follower", "", "ci") + pool("m", "master") +
                "---\napiVersion: muster/v1\nkind: NodePool\nmetadata: {name: none}\n"
                "spec: {cluster: lba, role: node, namePattern: 'n1{index}', maximum: 0, addressRanges: []}\n"}}) ==
      R"(lab.yaml:17:12: spec.addressRanges: expected the cluster's spec.nodeCidr, since routed pods need one L2 segment, found none
lab.yaml:17:12: spec.proofs: expected token among them, since it names the pool, found none
lab.yaml:18:104: spec.minimum: expected at most the maximum, 3, found '4'
lab.yaml:18:125: spec.proofs[0]: expected one of 'token', 'instanceIdentity', found 'trust'
lab.yaml:22:12: spec.addressRanges: expected the cluster's spec.nodeCidr, since routed pods need one L2 segment, found none
lab.yaml:23:38: spec.namePattern: expected a pattern that no other pool has, found 'ci-{index}'; pool 'ci' at lab.yaml:17:12 has it
lab.yaml:27:12: spec.addressRanges: expected the cluster's spec.nodeCidr, since routed pods need one L2 segment, found none
lab.yaml:28:22: spec.role: expected one master in cluster 'lab', found a second one; one node or one pool of a cluster has the role master
lab.yaml:33:8: spec.cluster: expected the name of a Cluster, found 'lba'; did you mean 'lab'?
lab.yaml:33:34: spec.namePattern: expected a name such as ci-{index}: at most 58 letters (a-z, 0-9, '-') with no digit before {index}, which ends it, found 'n1{index}'
lab.yaml:33:60: spec.maximum: expected a whole number from 1 to 10000, found '0'
)");
}

TEST_CASE("how long a member may be silent: a time, or never; half an hour unless it is said") {
  const auto vanished_after = [](const std::string& more) {
    return loaded(listed_master() + pool("ci", "node", more)).pools.front().vanished_after.value;
  };
  CHECK(vanished_after("") == std::chrono::minutes(30));
  CHECK(vanished_after(", vanishedAfter: 2h") == std::chrono::hours(2));
  CHECK(vanished_after(", vanishedAfter: never") == std::chrono::seconds(0));
  CHECK(
      problems({{"lab.yaml", small_cluster(machines_network) +
                                 pool("m", "master", ", vanishedAfter: 1h") +
                                 pool("ci", "node", ", vanishedAfter: 4m")}}) ==
      "lab.yaml:14:105: spec.vanishedAfter: expected it on a pool of role node only, found it on one of role master; a control-plane machine goes with 'muster node remove'\n"
      "lab.yaml:19:104: spec.vanishedAfter: expected a time from 5m to 30d such as 30m, or never, found '4m'\n");
}

TEST_CASE("a pool of masters has no ttl; what was stored with one goes on with a warning") {
  const InventoryFiles files = {{"lab.yaml", small_cluster(machines_network) +
                                                 pool("m", "master", ", ttl: 30d") +
                                                 pool("ci", "node", ", ttl: 30d")}};
  const std::string told =
      "lab.yaml:14:105: spec.ttl: expected it on a pool of role node only, found it on one of role master; leave it out; a control-plane machine lives as long as its cluster, or goes with 'muster node remove'\n";
  CHECK(problems(files) == told);
  const auto stored = load(files, Rules::stored);
  REQUIRE(stored);
  CHECK(to_text(stored->warnings) == told);
}

TEST_CASE("ranges lie in the machines' network and outside those of pods and services") {
  CHECK(
      problems({{"lab.yaml",
                 small_cluster("  nodeCidr: 10.77.0.0/24\n") + node("m1", "master", "10.77.0.11") +
                     pool("m", "node", "", "m") +
                     "---\napiVersion: muster/v1\nkind: NodePool\nmetadata: {name: x}\n"
                     "spec: {cluster: lab, role: node, namePattern: 'm{index}', maximum: 2,\n"
                     "  addressRanges: [10.64.3.0/24, 10.96.0.0/12], proofs: [token]}\n"}}) ==
      R"(lab.yaml:19:88: spec.addressRanges[0]: expected a network in nodeCidr 10.77.0.0/24, found '10.77.1.0/24'
lab.yaml:24:34: spec.namePattern: expected a pattern that no node's name follows, found 'm{index}'; node 'm1' at lab.yaml:13:12 does
lab.yaml:25:19: spec.addressRanges[0]: expected a network outside podCidr 10.64.0.0/16, found '10.64.3.0/24'
lab.yaml:25:19: spec.addressRanges[0]: expected a network in nodeCidr 10.77.0.0/24, found '10.64.3.0/24'
lab.yaml:25:33: spec.addressRanges[1]: expected a network outside serviceCidr 10.96.0.0/16, found '10.96.0.0/12'
lab.yaml:25:33: spec.addressRanges[1]: expected a network in nodeCidr 10.77.0.0/24, found '10.96.0.0/12'
)");
}

TEST_CASE("a pool says which proofs together let a machine in, and which instances it takes") {
  const auto problems_of = [](const std::string& proofs) {
    return problems({{"lab.yaml", listed_master() + pool("ci", "node", proofs)}});
  };
  CHECK(
      problems_of(", proofs: [instanceIdentity]") ==
      R"(lab.yaml:19:113: spec.proofs: expected token among them, since it names the pool, found instanceIdentity
lab.yaml:19:113: spec.instanceIdentity: expected accounts and regions, since members prove by an EC2 instance identity document, found none; write `proofs: [token]` where a token alone is to be enough
)");
  CHECK(
      problems_of(", instanceIdentity: {accounts: [], regions: [eu]}, proofs: [token]") ==
      R"(lab.yaml:19:104: spec.proofs: expected instanceIdentity among them, since there is a policy for it, found token
lab.yaml:19:147: spec.instanceIdentity.regions[0]: expected an AWS region such as eu-central-1, found 'eu'
)");
  CHECK(
      problems_of(
          ", instanceIdentity: {accounts: ['12345678901'], images: [debian], maximumAge: 2d}, proofs: [token, instanceIdentity]") ==
      R"(lab.yaml:19:104: spec.instanceIdentity.regions: expected a value, found nothing
lab.yaml:19:134: spec.instanceIdentity.accounts[0]: expected an AWS account of 12 digits such as '123456789012', found '12345678901'
lab.yaml:19:159: spec.instanceIdentity.images[0]: expected an image such as ami-0abcdef1234567890, found 'debian'
lab.yaml:19:168: spec.instanceIdentity.maximumAge: expected a time from 1m to 24h such as 15m, found '2d'
)");
  const Inventory sound = loaded(
      listed_master() +
      pool(
          "ci", "node",
          ", proofs: [token, instanceIdentity], instanceIdentity: {accounts: [012345678901], regions: [eu-central-1], images: [ami-5fb8c835], maximumAge: 1h, behindNat: true}"));
  const InstancePolicy& policy = *sound.pools.front().instance_identity;
  CHECK(policy.accounts.front().value == "012345678901");
  CHECK(policy.regions.front().value == "eu-central-1");
  CHECK(policy.images.front().value == "ami-5fb8c835");
  CHECK(policy.maximum_age == std::chrono::hours(1));
  CHECK(policy.behind_nat);
}

TEST_CASE("without a word on proofs, a pool asks for a token and an instance identity") {
  std::string silent = pool("ci", "node");
  silent.erase(silent.find(", proofs: [token]"), 17);
  CHECK(
      problems({{"lab.yaml", listed_master() + silent}}) ==
      "lab.yaml:18:12: spec.instanceIdentity: expected accounts and regions, since members prove by an EC2 instance identity document, found none; write `proofs: [token]` where a token alone is to be enough\n");
  silent.insert(silent.rfind('}'),
                ", instanceIdentity: {accounts: ['123456789012'], regions: [eu-west-1]}");
  const Inventory inventory = loaded(listed_master() + silent);
  const NodePool& ci = inventory.pools.front();
  REQUIRE(ci.proofs.size() == 2);
  CHECK(ci.proofs[0].value == "token");
  CHECK(ci.proofs[1].value == "instanceIdentity");
  CHECK(ci.instance_identity->maximum_age == std::chrono::minutes(15));
  CHECK_FALSE(ci.instance_identity->behind_nat);
}

TEST_CASE("regions that the server pins no certificate of are told where it is asked") {
  const Inventory inventory = loaded(
      listed_master() +
      pool(
          "ci", "node",
          ", proofs: [token, instanceIdentity], instanceIdentity: {accounts: ['123456789012'], regions: [eu-central-1, eu-west-1]}"));
  SiteFacts facts = sample::facts();
  CHECK(compile_problems(inventory, facts) == "");
  facts.identity_regions = {"eu-west-1"};
  CHECK(
      compile_problems(inventory, facts) ==
      "lab.yaml:19:196: spec.instanceIdentity.regions[0]: expected a region whose certificate the server pins, found 'eu-central-1'; put AWS's certificate into the server's folder `awsCertificates` as eu-central-1.pem and restart it\n");
  const auto again = parse_site_facts(to_json(facts));
  REQUIRE(again);
  CHECK(again->identity_regions == facts.identity_regions);
  CHECK_FALSE(parse_site_facts(to_json(sample::facts()))->identity_regions);
}

TEST_CASE("a listed node keeps off the names and addresses of members") {
  const Inventory inventory =
      loaded(listed_master() + node("n1", "node", "10.77.1.9") + pool("ci", "node"));
  CHECK(
      compile_problems(inventory, facts_with({{"ci-2", "ci", Role::node, "10.77.1.9"}})) ==
      "lab.yaml:19:34: spec.address: expected a value of one machine only, found '10.77.1.9'; 'ci-2' of pool 'ci' has it; 'muster node remove ci-2' frees it\n");
}

TEST_CASE("a pool's settings are checked before it has a member") {
  const Inventory inventory = loaded(
      listed_master() +
      pool("ci", "node", ", overrides: {files: [{path: /etc/x, content: {secretRef: nope}}]}"));
  CHECK(compile_problems(inventory, sample::facts()).find("'nope'") != std::string::npos);
}

TEST_CASE("names of a pool") {
  const Inventory inventory = loaded(listed_master() + pool("ci", "node"));
  const NodePool& ci = inventory.pools.front();
  CHECK(member_name(ci, 3) == "ci-3");
  CHECK(member_index(ci, "ci-3") == 3);
  for (const char* other : {"ci-0", "ci-4", "ci-03", "ci-", "ci-3x", "ci", "web-1", "ci--1"})
    CHECK_FALSE(member_index(ci, other));
}

TEST_CASE("a member that may come is explained with the pool's layer") {
  const auto explained =
      explain(loaded(listed_master() + pool("ci", "node", ", labels: {rack: a}")), "", "ci-2");
  REQUIRE(explained);
  bool is_told = false;
  for (const ExplainedField& field : explained->fields)
    is_told = is_told || (field.field == "kubelet.labels[rack]" && field.layer == "pool ci");
  CHECK(is_told);
}

TEST_CASE("every member that a pool may have has room for its pods") {
  const std::string text = small_cluster(machines_network + "  podCidrPrefix: 18\n") +
                           node("m1", "master", "10.77.0.11") + pool("ci", "node") +
                           pool("web", "node");
  CHECK(
      problems({{"lab.yaml", text}}) ==
      "lab.yaml:25:62: spec.maximum: expected room for a /18 of every machine in podCidr 10.64.0.0/16, found room for 4 of 7; lower it, or raise the cluster's spec.podCidrPrefix\n");
}
