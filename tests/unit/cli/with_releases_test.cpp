// validate and render with releases that lie here: no server is asked.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "cli/config_checker.hpp"
#include "fakes/scratch_folder.hpp"
#include "operator_api.hpp"
#include "pki/signature.hpp"

using namespace muster;
namespace fs = std::filesystem;

namespace {

void write(const std::string& path, const std::string& text, bool is_program = false) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream(path) << text;
  if (is_program) REQUIRE(::chmod(path.c_str(), 0755) == 0);
}

std::string read(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// Releases with one file each, an inventory, and a checker that is a script of the test's.
struct Bench {
  ScratchFolder folder;
  std::string releases = folder.path("releases"), inventory = folder.path("inventory");

  Bench() {
    for (const char* name : {"kubernetes-node", "kubernetes-control-plane"})
      add(name, "1.36.3", "bin/x", "x");
    for (const char* name : {"etcd", "containerd", "runc", "cni-plugins", "coredns", "pause",
                             "host-tools", "haproxy", "cri-tools"})
      add(name, "1.0.0", "bin/x", "x");
  }
  void add(const std::string& name, const std::string& version, const std::string& file,
           const std::string& text) {
    const std::string at = releases + "/" + name + "/" + version;
    write(at + "/" + file, text, true);
    write(at + "/release.json",
          R"({"apiVersion":"muster/v1","kind":"Release","name":")" + name + R"(","version":")" +
              version + R"(","architecture":"amd64","artifacts":[{"path":")" + file +
              R"(","kind":"file","mode":"0644","digest":")" + sha256_digest(text) + R"(","size":)" +
              std::to_string(text.size()) + "}]}");
  }
  void add_checker(const std::string& script) {
    add("config-checker", "1.36.3", "bin/config-checker", "#!/bin/sh\n" + script);
  }
  void describe(const std::string& spec) const {
    write(inventory + "/lab.yaml",
          "apiVersion: muster/v1\nkind: Cluster\nmetadata: {name: lab}\nspec:\n"
          "  kubernetesVersion: 1.36.3\n  podCidr: 10.64.0.0/16\n  serviceCidr: 10.96.0.0/16\n" +
              spec +
              "---\napiVersion: muster/v1\nkind: Node\nmetadata: {name: m1}\n"
              "spec: {cluster: lab, role: master, address: 10.77.0.11}\n"
              "---\napiVersion: muster/v1\nkind: Node\nmetadata: {name: n1}\n"
              "spec: {cluster: lab, role: node, address: 10.77.0.21, profiles: [p]}\n"
              "---\napiVersion: muster/v1\nkind: Node\nmetadata: {name: n2}\n"
              "spec: {cluster: lab, role: node, address: 10.77.0.22, profiles: [p]}\n"
              "---\napiVersion: muster/v1\nkind: Profile\nmetadata: {name: p}\nspec:\n"
              "  kubelet:\n    extraConfiguration:\n      topologyManagerPolicy: odd\n"
              "  files:\n  - {path: /etc/own, content: {secretRef: some}}\n");
  }
  [[nodiscard]] auto validate() const {
    return fake::muster(
        {"--server", "unix:/nonexistent", "validate", inventory, "--with-releases", releases});
  }
};

}  // namespace

TEST_CASE(
    "the component's own words stand at the inventory's line, each kind of machine asked once") {
  Bench bench;
  bench.describe("  componentArguments: {kube-apiserver: {event-ttl: 2h}}\n");
  bench.add_checker("echo $3 >>" + bench.folder.path("asked") + R"(
test -f "$2/etc/kubernetes/kubelet.yaml" || exit 9
words=
case $3 in
  kubelet) ! grep -q odd "$2"/etc/kubernetes/kubelet.conf.d/* || words='"invalid configuration: TopologyManagerPolicy (--topology-manager-policy) odd"' ;;
  kube-apiserver) words='"--event-ttl is not well"' ;;
esac
echo "{\"problems\":[$words]}"
)");
  const auto ran = bench.validate();
  CHECK(ran.exit == 3);
  CHECK(
      ran.err ==
      "lab.yaml:8:41: spec.componentArguments[kube-apiserver][event-ttl]: expected what kube-apiserver 1.36.3 starts with, found its words: '--event-ttl is not well'\n"
      "lab.yaml:31:7: spec.kubelet.extraConfiguration.topologyManagerPolicy: expected what kubelet 1.36.3 starts with, found its words: 'invalid configuration: TopologyManagerPolicy (--topology-manager-policy) odd'\n"
      "\nmuster: 2 problems; nothing was changed\n");
  // Of the master five programs, of the two nodes, which are of one kind, two.
  const std::string asked = read(bench.folder.path("asked"));
  CHECK(std::count(asked.begin(), asked.end(), '\n') == 7);
}

TEST_CASE("without the checker of that version it is said what was not asked") {
  Bench bench;
  bench.describe("");
  const auto ran = bench.validate();
  CAPTURE(ran.err);
  CHECK(ran.exit == 0);
  CHECK(
      ran.err.find(
          "warning: lab.yaml:5:3: spec.kubernetesVersion: expected the release config-checker 1.36.3 in '" +
          bench.releases +
          "', found none; what its components themselves would refuse was not asked\n") !=
      std::string::npos);
}

TEST_CASE("flags that a release's own file does not know are refused") {
  Bench bench;
  bench.add(
      "etcd", "2.0.0", "share/flags.json",
      R"({"apiVersion":"muster/v1","kind":"ReleaseFlags","programs":{"etcd":{"new-one":"int"}}})");
  bench.describe("  componentArguments: {etcd: {new-one: 1, newer-one: 1}}\n");
  const auto ran = bench.validate();
  CHECK(ran.exit == 3);
  CHECK(ran.err.find("expected a flag of etcd 2.0.0, found 'newer-one'; did you mean 'new-one'?") !=
        std::string::npos);
}

TEST_CASE("a version that no release here has is a problem") {
  Bench bench;
  bench.describe("  releases: {runc: 9.9.9}\n");
  const auto ran = bench.validate();
  CHECK(ran.exit == 3);
  CHECK(
      ran.err.find("expected a version of runc in the server's catalogue (1.0.0), found '9.9.9'") !=
      std::string::npos);
}

TEST_CASE("a checker that fails, or says what nobody reads, is an error and no approval") {
  Bench bench;
  const auto words = [&](const std::string& script) {
    bench.add_checker(script);
    const auto said = run_config_checker(
        bench.releases + "/config-checker/1.36.3/bin/config-checker", "/", "kubelet", {});
    return said ? std::string("nothing") : said.error().message;
  };
  CHECK(words("exit 3").ends_with("kubelet': expected exit status 0, found 3"));
  CHECK(words("echo '[]'").ends_with("expected {\"problems\":[...]}"));
  CHECK(words("head -c 2000000 /dev/zero").ends_with("expected an answer of at most 1 MiB"));
  CHECK(words("echo '{\"problems\":[]}'") == "nothing");
}

TEST_CASE("render writes what a machine would have, and shows its command lines") {
  Bench bench;
  bench.describe("");
  const auto render = [&](const std::string& node, const std::string& out) {
    return fake::muster({"--server", "unix:/nonexistent", "render", node, bench.inventory,
                         "--with-releases", bench.releases, "--out", out});
  };
  const std::string out = bench.folder.path("out");
  auto ran = render("n1", out);
  CHECK(ran.exit == 0);
  CHECK(ran.out.find("\nkubelet --config=/etc/kubernetes/kubelet.yaml \\\n  --config-dir=") !=
        std::string::npos);
  CHECK(ran.out.find("kube-apiserver") == std::string::npos);
  CHECK(read(out + "/etc/kubernetes/kubelet.conf.d/10-document.conf")
            .find("topologyManagerPolicy: odd") != std::string::npos);
  CHECK(!fs::exists(out + "/etc/own"));  // a secret's
  ran = render("n1", out);
  CHECK(ran.exit == 5);
  CHECK(ran.err == "muster: '" + out + "': expected a new or an empty folder; name another\n");
  ran = render("n9", bench.folder.path("other"));
  CHECK(ran.exit == 1);
  CHECK(ran.err == "muster: node 'n9': expected one of that name, found 0\n");
  ran = fake::muster({"render", "n1", bench.inventory, "--with-releases", bench.inventory});
  CHECK(ran.exit == 1);
  CHECK(
      ran.err ==
      "muster: '" + bench.inventory +
          "': expected releases as NAME/VERSION/release.json, found none; 'scripts/components --print-dir' prints the folder of those that it built\n");
}
