#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "document/signed_document.hpp"
#include "document/validate.hpp"
#include "pki/signature.hpp"
#include "sample_document.hpp"

using namespace muster;

TEST_CASE("a complete master document round-trips byte for byte") {
  const std::string golden = sample::golden("golden/document/master.json");
  CHECK(to_canonical_json(sample::master()) == golden);
  const auto read = parse_node_document(golden);
  REQUIRE_MESSAGE(read, read.error().message);
  CHECK(to_canonical_json(*read) == golden);
  CHECK(sha256_digest(golden) ==
        "sha256:13b4f1b5ef1a5e9b35edca9cd76998141103f81cd24876706d2a1d8202d91519");
}

TEST_CASE("a node's document round-trips byte for byte") {
  const std::string golden = sample::golden("golden/document/node.json");
  CHECK(to_canonical_json(sample::worker()) == golden);
  const auto read = parse_node_document(golden);
  REQUIRE_MESSAGE(read, read.error().message);
  CHECK(to_canonical_json(*read) == golden);
  CHECK(sha256_digest(golden) ==
        "sha256:556f6df7055d3ce2835104a2f6e83f93d5c2251b7829526ecde6d4f8faf7baaf");
}

TEST_CASE("masterFollower is read as follower and written as follower") {
  CHECK(parse_role("masterFollower").value() == Role::follower);
  CHECK(name(Role::follower) == "follower");
  CHECK(parse_role("worker").error().message ==
        "expected master, follower or node, found 'worker'");
}

TEST_CASE("every problem of types is reported at once with its pointer") {
  auto json = nlohmann::json::parse(to_canonical_json(sample::worker()));
  json["apiVersion"] = "muster/v2";
  json["role"]["address"] = 7;
  json["role"]["cluster"].erase("dnsDomain");
  json["role"]["cluster"]["apiserverPort"] = 70000;
  json["certificates"][0]["usages"] = {"both"};
  json["config"]["files"] = "none";
  json["config"]["kernel"]["sysctl"]["a/b"] = 1;
  json["config"]["exec"] = "rm";
  CHECK(
      parse_node_document(json.dump()).error().message ==
      "node document: refused, 8 problems:\n"
      "/apiVersion: expected 'muster/v1', found 'muster/v2'\n"
      "/role/address: expected a string, found 7\n"
      "/role/cluster/dnsDomain: expected a string, found nothing\n"
      "/role/cluster/apiserverPort: expected a whole number from 0 to 65535, found 70000\n"
      "/certificates/0/usages: expected client or server, found 'both' at 0\n"
      "/config/kernel/sysctl/a~1b: expected a string, found 1\n"
      "/config/files: expected a list, found 'none'\n"
      "/config/exec: unknown field, expected one of addons, artifactMirrors, bannedMachines, componentArguments, containerd, failOnSwap, files, kernel, kubelet, netboot, releases, secrets, stateDisk");
}

TEST_CASE("a document is refused with every unsound value at once") {
  NodeDocument document = sample::master();
  document.role.address = "10.77.0.300";
  document.role.pod_cidr = "10.9.0.0/24";
  document.certificates[1].authority = "none";
  document.config.files[0].path = "/etc/../root";
  document.config.secrets[1].path = "/etc/kubernetes/pki/etcd-server";
  document.config.component_arguments["etcd"]["name"] = "x\ny";
  CHECK(
      parse_node_document(to_canonical_json(document)).error().message ==
      "node document: refused, 8 problems:\n"
      "/role/address: expected an IPv4 address, found '10.77.0.300'\n"
      "/role/podCidr: expected an IPv4 network within the cluster's podCidr, found '10.9.0.0/24'\n"
      "/role/cluster/masters: expected this control-plane machine among them, found 'm1 at 10.77.0.300'\n"
      "/certificates/1/authority: expected a name in /role/cluster/authorities, found 'none'\n"
      "/config/componentArguments/etcd/name: expected a value in one line, found 'x\\x0ay'\n"
      "/config/componentArguments/etcd/name: expected a flag that is the operator's: the masters in the inventory decide it\n"
      "/config/files/0/path: expected an absolute path without '..', found '/etc/../root'\n"
      "/config/secrets/1/path: expected a path of its own, found '/etc/kubernetes/pki/etcd-server', which is also that of /certificates/1/path");
}

TEST_CASE(
    "only the control plane carries addons and bans, and the first of masters is the master") {
  NodeDocument document = sample::worker();
  document.config.addons = sample::master().config.addons;
  document.config.banned_machines = {"n9"};
  document.role.cluster.masters.clear();
  CHECK(to_text(validate(document)) ==
        "/role/cluster/masters: expected at least one machine, found none\n"
        "/config/addons: expected none, since only the control plane applies addons\n"
        "/config/bannedMachines: expected none, since only the control plane bans");
  document = sample::master();
  document.role.role = Role::follower;
  CHECK(
      to_text(validate(document)) ==
      "/role/role: expected 'master' for the first of masters and 'follower' for the others, found 'follower'");
}

TEST_CASE("a pod network of none needs no pod CIDR on the machine") {
  NodeDocument document = sample::worker();
  document.role.cluster.pod_network = PodNetwork::none;
  CHECK(to_text(validate(document)) ==
        "/role/podCidr: expected nothing, since podNetwork is none, found '10.244.3.0/24'");
  document.role.pod_cidr.clear();
  CHECK(validate(document).empty());
}
