// What is odd and not wrong: taken and told, and refused where people ask for that.
#include <doctest/doctest.h>

#include <fstream>

#include "fakes/scratch_folder.hpp"
#include "operator_api.hpp"

using namespace muster;
using fake::OperatorApi;

namespace {

constexpr const char* two_masters =
    "apiVersion: muster/v1\nkind: Cluster\nmetadata: {name: lab}\nspec:\n"
    "  kubernetesVersion: 1.36.3\n  podCidr: 10.64.0.0/16\n  serviceCidr: 10.96.0.0/16\n---\n"
    "apiVersion: muster/v1\nkind: Node\nmetadata: {name: m1}\n"
    "spec: {cluster: lab, role: master, address: 10.77.0.11}\n---\n"
    "apiVersion: muster/v1\nkind: Node\nmetadata: {name: m2}\n"
    "spec: {cluster: lab, role: follower, address: 10.77.0.12}\n";
constexpr const char* odd =
    "cluster.yaml:3:12: metadata.name: expected an odd number of control-plane machines, found 2; etcd of 2 members survives no more failures than of 1\n";

void write_inventory(const ScratchFolder& folder, const std::string& text) {
  std::ofstream(folder.path("cluster.yaml")) << text;
}

}  // namespace

TEST_CASE("validate takes what is odd and tells it; with --strict it is an error") {
  const ScratchFolder folder;
  write_inventory(folder, two_masters);
  auto ran = fake::muster({"--server", "unix:/nonexistent", "validate", folder.path()});
  CHECK(ran.exit == 0);
  CHECK(ran.err.starts_with(std::string("warning: ") + odd));
  ran = fake::muster({"--server", "unix:/nonexistent", "validate", "--strict", folder.path()});
  CHECK(ran.exit == 3);
  CHECK(ran.err == std::string(odd) + "\nmuster: 1 problem; nothing was changed\n");
  ran = fake::muster({"--server", "unix:/nonexistent", "validate", "-o", "json", folder.path()});
  CHECK(ran.exit == 0);
  CHECK(nlohmann::json::parse(ran.out)["warnings"][0]["line"] == 3);
}

TEST_CASE("validate tells whose every boot needs the server, and who keeps nothing over it") {
  const ScratchFolder folder;
  const auto node = [](const std::string& name, int last, const std::string& more) {
    return "---\napiVersion: muster/v1\nkind: Node\nmetadata: {name: " + name +
           "}\nspec: {cluster: lab, address: 10.77.0." + std::to_string(last) +
           ", match: {mac: ['02:4d:55:00:00:" + std::to_string(last) + "']}, " + more + "}\n";
  };
  const std::string cluster =
      "apiVersion: muster/v1\nkind: Cluster\nmetadata: {name: lab}\nspec:\n"
      "  kubernetesVersion: 1.36.3\n  podCidr: 10.64.0.0/16\n  serviceCidr: 10.96.0.0/16\n";
  const std::string disk = "stateDisk: {serial: S1, create: ifBlank}";
  const std::string with_disk = "overrides: {netboot: {image: tower}, " + disk + "}";
  write_inventory(folder, cluster + node("m1", 11, "role: master, " + with_disk) +
                              node("n1", 21, "role: node, overrides: {netboot: {image: tower}}"));
  auto ran = fake::muster({"--server", "unix:/nonexistent", "validate", "--strict", folder.path()});
  CHECK(ran.exit == 0);
  CHECK(
      ran.out ==
      "lab: 2 machines, sound. Certificates live 90 days: the longest server outage its machines survive.\n"
      "lab: 2 netboot: whoever owns the segment that they start from can start them otherwise (m1, n1).\n"
      "lab: 1 of these start from their state disk, without the server, once an image is there (m1).\n"
      "lab: 1 of these have no state disk: each start needs the server, and comes with a new key and nothing else (n1).\n");
  // etcd would be lost with each power cut.
  write_inventory(folder,
                  cluster + node("m1", 11, "role: master, overrides: {netboot: {image: tower}}"));
  ran = fake::muster({"--server", "unix:/nonexistent", "validate", folder.path()});
  CHECK(ran.exit == 3);
  CHECK(
      ran.err.find(
          "such a machine keeps nothing when it is switched off, and etcd needs a disk: name the machine's (stateDisk), or start it from a disk image, without netboot.image") !=
      std::string::npos);
}

TEST_CASE("diff and apply tell what the server alone knows of too, each once") {
  const ScratchFolder folder;
  write_inventory(folder, two_masters);
  const OperatorApi::Answer answer{
      200,
      R"({"revisions":{"lab":"sha256:1"},"changes":[],"unchanged":2,"warnings":[)"
      R"({"file":"cluster.yaml","line":3,"column":12,"field":"metadata.name","message":"expected an odd )"
      R"(number of control-plane machines, found 2; etcd of 2 members survives no more failures than of 1"},)"
      R"({"file":"cluster.yaml","line":7,"column":3,"field":"spec.x","message":"expected y, found z; do\u001b w"}]})"};
  const std::string other = "cluster.yaml:7:3: spec.x: expected y, found z; do\\x1b w\n";
  const OperatorApi api({{"GET /v1/operator/revisions?cluster=lab", {200, R"({"current":"a"})"}},
                         {"POST /v1/operator/apply", answer}});
  for (const char* command : {"diff", "apply"}) {
    const auto ran = fake::muster({"--server", api.url(), command, folder.path()});
    CHECK(ran.exit == 0);
    CHECK(ran.err == std::string("warning: ") + odd + "warning: " + other);
  }
}

TEST_CASE("apply --strict publishes nothing before the server's warnings are known") {
  const ScratchFolder folder;
  const std::string text = two_masters;
  write_inventory(folder, text.substr(0, text.rfind("---")));
  const std::string revisions = "GET /v1/operator/revisions?cluster=lab";
  const auto dry_runs = [](const OperatorApi& api) {
    std::string runs;
    for (const std::string& asked : api.asked()) {
      if (asked.starts_with("POST"))
        runs += asked.find("\"dryRun\":true") == asked.npos ? "no " : "yes ";
    }
    return runs;
  };
  {
    const OperatorApi api(
        {{revisions, {200, R"({"current":"a"})"}},
         {"POST /v1/operator/apply",
          {200,
           R"({"warnings":[{"file":"c","line":1,"column":2,"field":"f","message":"expected y, found z"}]})"}}});
    const auto ran = fake::muster({"--server", api.url(), "apply", "--strict", folder.path()});
    CHECK(ran.exit == 3);
    CHECK(ran.err == "c:1:2: f: expected y, found z\n\nmuster: 1 problem; nothing was changed\n");
    CHECK(dry_runs(api) == "yes ");
  }
  const OperatorApi api(
      {{revisions, {200, R"({"current":"a"})"}}, {"POST /v1/operator/apply", {200, "{}"}}});
  CHECK(fake::muster({"--server", api.url(), "apply", "--strict", folder.path()}).exit == 0);
  CHECK(dry_runs(api) == "yes no ");
}
