#include "agent/reset.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "agent/footprint.hpp"
#include "agent/kept_status.hpp"
#include "agent/own_state.hpp"
#include "agent/paths.hpp"
#include "agent/status.hpp"
#include "fakes/fake_etcd.hpp"

using namespace muster;

TEST_CASE(
    "mounts of pods are found, deepest first; a disk of the machine's own is not among them") {
  CHECK(
      mounts_under("tmpfs /var/lib/kubelet/pods/1/vol tmpfs rw 0 0\n"
                   "/dev/sdb /var/lib/kubelet ext4 rw 0 0\n"
                   "tmpfs /var/lib/kubelet/pods/1/vol/deep tmpfs rw 0 0\n"
                   "/dev/sda / ext4 rw 0 0\n",
                   {"/var/lib/kubelet"}) ==
      std::vector<std::string>{"/var/lib/kubelet/pods/1/vol/deep", "/var/lib/kubelet/pods/1/vol"});
}

TEST_CASE("reset gives back what was there and takes away what was not") {
  FakeHost machine;
  auto& files = machine.files;
  files.put("/etc/hosts", "old\n", 0640);
  files.put("/etc/muster/agent.json", "{}");
  files.put("/opt/theirs", "");
  const auto before = files.nodes.size();

  Plan plan;
  plan.actions = {
      {MakeDirectory{{"/etc/kubernetes/pki", "root", 0755}}, Cost::none, ""},
      {WriteFile{{"/etc/hosts", "new\n", "root", 0644, false}}, Cost::none, ""},
      {WriteFile{{"/etc/kubernetes/kubelet.yaml", "x", "root", 0644, false}}, Cost::none, ""},
      {InstallRelease{{"etcd", "3.6", "sha256:x", 1}}, Cost::none, ""}};
  Checkpoint checkpoint;
  files.put("/var/lib/x", "");
  REQUIRE(files.remove("/var/lib/x"));
  REQUIRE(record_footprint(plan, checkpoint, files));
  REQUIRE(files.make_directory("/etc/kubernetes/pki", 0755, "root"));
  REQUIRE(files.write("/etc/hosts", "new\n", 0644, "root"));
  REQUIRE(files.write("/etc/kubernetes/kubelet.yaml", "x", 0644, "root"));
  files.put("/opt/muster/releases/etcd/3.6/bin/etcd", "E");
  files.put("/var/lib/etcd/member/wal", "W");
  machine.services.active = {"muster-agent.service", "kubelet.service", "etcd.service"};

  REQUIRE(reset(machine.host, [](std::string_view) {}));
  CHECK(machine.services.active.empty());
  CHECK(files.text("/etc/hosts") == "old\n");
  CHECK(files.status("/etc/hosts")->mode == 0640);
  CHECK(files.has("/etc/muster/agent.json"));
  CHECK_FALSE(files.has("/etc/kubernetes"));
  CHECK_FALSE(files.has("/opt/muster"));
  CHECK(files.has("/opt/theirs"));
  CHECK_FALSE(files.has("/var/lib/etcd"));
  CHECK_FALSE(files.has(paths::checkpoint));
  CHECK(files.list(paths::state).value().empty());
  // /var, /var/lib and the state folder itself are what is left over.
  CHECK(files.nodes.size() == before + 3);
  REQUIRE(reset(machine.host, [](std::string_view) {}));
}

TEST_CASE("after a reset nothing of before is told: the machine is not set up") {
  FakeHost machine;
  Report report;
  report.verdict = Verdict::converged;
  report.document_digest = "sha256:" + std::string(64, 'a');
  keep_status(report, machine.files);
  machine.files.put(paths::waiting, "muster: waiting for approval\n\n");
  Checkpoint checkpoint;
  checkpoint.node = "n1";
  REQUIRE(save(checkpoint, machine.files));
  REQUIRE(reset(machine.host, [](std::string_view) {}));
  CHECK_FALSE(machine.files.has(paths::monitor_state));
  CHECK(status_text(machine.host, read_checkpoint(machine.host), {})
            .starts_with("node         none\n"
                         "cluster      none\n"
                         "verdict      none\n"
                         "in short     this machine is not set up: it has taken no document\n"
                         "taken        generation 0\n"
                         "settled      none\n"));
}

TEST_CASE("the kernel's parameters are kept once, before the first of ours, and set back") {
  FakeHost machine;
  auto& files = machine.files;
  files.put("/proc/sys/net/ipv4/ip_forward", "0\n");
  files.put("/proc/sys/kernel/panic", "5\n");
  const auto record = [&](const std::string& content) {
    Plan plan;
    plan.actions = {
        {WriteFile{{paths::kernel_sysctl, content, "root", 0644, false}}, Cost::none, ""}};
    Checkpoint checkpoint;
    REQUIRE(record_footprint(plan, checkpoint, files));
  };
  record("net.ipv4.ip_forward = 1\n-net.not.here = 1\n");
  CHECK(files.text(kept_parameters()) == "-net.ipv4.ip_forward = 0\n");
  files.put("/proc/sys/net/ipv4/ip_forward", "1\n");
  record("net.ipv4.ip_forward = 1\n-kernel.panic = 10\n");
  CHECK(files.text(kept_parameters()) == "-net.ipv4.ip_forward = 0\n-kernel.panic = 5\n");

  REQUIRE(reset(machine.host, [](std::string_view) {}));
  const std::vector<std::string> set_back{"/usr/lib/systemd/systemd-sysctl",
                                          "/var/lib/muster/originals/kernel-parameters.conf"};
  CHECK(std::count(machine.process.runs.begin(), machine.process.runs.end(), set_back) == 1);
  CHECK_FALSE(files.has(kept_parameters()));
}

TEST_CASE("pods' network namespaces go, other people's stay") {
  FakeHost machine;
  machine.files.put("/run/netns/cni-1", "");
  machine.files.put("/run/netns/theirs", "");
  REQUIRE(reset(machine.host, [](std::string_view) {}));
  CHECK_FALSE(machine.files.has("/run/netns/cni-1"));
  CHECK(machine.files.has("/run/netns/theirs"));
}

TEST_CASE("what kubelet told logind goes, other people's settings of logind stay") {
  for (const bool has_others : {false, true}) {
    FakeHost machine;
    machine.files.put("/etc/systemd/logind.conf.d/99-kubelet.conf", "[Login]\n");
    if (has_others) machine.files.put("/etc/systemd/logind.conf.d/own.conf", "[Login]\n");
    REQUIRE(reset(machine.host, [](std::string_view) {}));
    CHECK_FALSE(machine.files.has("/etc/systemd/logind.conf.d/99-kubelet.conf"));
    CHECK(machine.files.has("/etc/systemd/logind.conf.d") == has_others);
    const std::vector<std::string> reload{"/usr/bin/systemctl", "kill", "--signal=HUP",
                                          "systemd-logind.service"};
    CHECK(std::count(machine.process.runs.begin(), machine.process.runs.end(), reload) == 1);
  }
}

TEST_CASE("only packages that were not there before are removed, once dpkg's lock is free") {
  FakeHost machine;
  Checkpoint checkpoint;
  checkpoint.packages = {"haproxy", "conntrack"};
  checkpoint.package_versions = {{"haproxy", "2"}, {"conntrack", "1"}, {"procps", "4"}};
  REQUIRE(save(checkpoint, machine.files));
  int runs = 0;
  machine.process.answer = [&](const ProcessRequest& request) -> ProcessOutcome {
    if (request.arguments[0] != "/usr/bin/systemd-run") return {};
    CHECK(request.arguments[request.arguments.size() - 3] == "--purge");
    CHECK(request.arguments[request.arguments.size() - 2] == "conntrack");
    CHECK(request.arguments.back() == "haproxy");
    if (++runs > 1) return {};
    return {2, "", "dpkg: error: dpkg frontend lock was locked by another process with pid 8\n"};
  };
  std::vector<std::string> narrated;
  REQUIRE(reset(machine.host, [&](std::string_view line) { narrated.emplace_back(line); }));
  CHECK(runs == 2);
  CHECK(std::count(narrated.begin(), narrated.end(),
                   "dpkg's lock is held by process 8; waiting up to 60 s") == 1);
}

namespace {

// A master among three whose agent's state is as small as may be.
struct MasterToReset {
  FakeHost machine;
  FakeEtcd etcd;
  MasterToReset() {
    machine.process.answer = [this](const ProcessRequest& request) { return etcd.answer(request); };
    etcd.members = {{1, "m1", "10.77.0.11"}, {2, "m2", "10.77.0.12"}, {3, "m3", "10.77.0.13"}};
    Checkpoint checkpoint;
    checkpoint.node = "m2";
    checkpoint.cluster = "lab";
    checkpoint.etcd_started = true;
    checkpoint.etcd_member_id = "2";
    checkpoint.etcd_address = "10.77.0.12";
    REQUIRE(save(checkpoint, machine.files));
    machine.files.put("/var/lib/etcd/member/wal", "W");
    machine.services.active = {"etcd.service"};
  }
};

}  // namespace

TEST_CASE_FIXTURE(MasterToReset,
                  "a master leaves etcd before it is reset, its API server before that") {
  machine.services.active.insert("kube-apiserver.service");
  bool served_without_etcd = false;
  machine.process.answer = [this, &served_without_etcd](const ProcessRequest& request) {
    auto answer = etcd.answer(request);
    served_without_etcd =
        served_without_etcd ||
        (etcd.members.size() == 2 && machine.services.active.contains("kube-apiserver.service"));
    return answer;
  };
  std::vector<std::string> narrated;
  REQUIRE(reset(machine.host, [&](std::string_view line) { narrated.emplace_back(line); }));
  CHECK(etcd.names() == std::vector<std::string>{"m1", "m3"});
  CHECK_FALSE(served_without_etcd);
  CHECK_FALSE(machine.files.has("/var/lib/etcd"));
  CHECK(
      narrated ==
      std::vector<std::string>{
          "leaving etcd: member 2 of m2; this machine's API server stops first",
          "etcd: this machine has left it", "stopping the agent and its monitors",
          "stopping kubelet and ending pods, for at most two minutes", "stopping components",
          "taking back the network", "removing files",
          "this machine is as it was found; its settings stay (/etc/muster/agent.json), and its agent starts with the next boot",
          "to make it m2 again, where an operator is:", "  muster node replace m2 --cluster lab",
          "  muster token create --cluster lab --node m2 --role ROLE   (of a pool: --pool POOL)",
          "here: that token into /etc/muster/agent.json (\"token\") or the user-data, and: systemctl restart muster-agent"});
}

TEST_CASE_FIXTURE(MasterToReset, "where etcd refuses the removal, the API server serves on") {
  machine.services.active.insert("kube-apiserver.service");
  etcd.broken = {"member remove"};
  CHECK_FALSE(reset(machine.host, [](std::string_view) {}));
  CHECK(machine.services.active.contains("kube-apiserver.service"));
  // The last one with a vote is not even asked to stop it.
  etcd.broken.clear();
  etcd.members = {{2, "m2", "10.77.0.12"}};
  machine.services.calls.clear();
  CHECK_FALSE(reset(machine.host, [](std::string_view) {}));
  CHECK(machine.services.calls.empty());
}

TEST_CASE_FIXTURE(MasterToReset, "a master that cannot leave etcd is not reset, and says why") {
  machine.services.active.clear();
  CHECK(
      reset(machine.host, [](std::string_view) {}).error().message ==
      "reset: this machine is a master and could not leave etcd: etcd: it does not run here, and no other is known\nnothing was taken away (to go on as before: systemctl start muster-agent). Heal etcd and reset again; or, to leave a dead member behind, which the other masters' duties remove once the machine is out of the inventory: muster-agent reset --yes --abandon-etcd");
  CHECK(machine.files.has("/var/lib/etcd/member/wal"));
  machine.services.active = {"etcd.service"};
  etcd.members = {{2, "m2", "10.77.0.12"}};
  CHECK(reset(machine.host, [](std::string_view) {})
            .error()
            .message.find("member 2 of m2 is the last one with a vote") != std::string::npos);
  CHECK(machine.files.has("/var/lib/etcd/member/wal"));
  REQUIRE(reset(
      machine.host, [](std::string_view) {}, TombstoneGoes::yes, EtcdMembership::abandoned));
  CHECK(etcd.commands.empty());
  CHECK_FALSE(machine.files.has("/var/lib/etcd"));
}

TEST_CASE_FIXTURE(MasterToReset, "a cluster that has ended misses no member") {
  machine.files.put(paths::tombstone, "{}");
  std::vector<std::string> narrated;
  const auto narrate = [&](std::string_view line) { narrated.emplace_back(line); };
  REQUIRE(reset(machine.host, narrate, TombstoneGoes::no));
  CHECK(etcd.commands.empty());
  CHECK(narrated.back() == "removing files");
  // By a person: free for another cluster, and no member of the one before.
  REQUIRE(reset(machine.host, narrate));
  CHECK(
      narrated[narrated.size() - 2] ==
      "to let it into a cluster: muster token create --cluster C --role ROLE (of a pool: --pool POOL)");
}

TEST_CASE("the last word of a reset is said with the identity, after everything else went") {
  FakeHost machine;
  auto& files = machine.files;
  files.put(paths::identity_key, "K");
  files.put("/var/lib/kubelet/x", "x");
  bool was_said = false;
  const std::function<void()> last_word = [&] {
    was_said = true;
    CHECK(files.has(paths::identity_key));
    CHECK_FALSE(files.has("/var/lib/kubelet"));
  };
  REQUIRE(reset(
      machine.host, [](std::string_view) {}, TombstoneGoes::yes, EtcdMembership::leaves,
      last_word));
  CHECK(was_said);
  CHECK_FALSE(files.has(paths::identity_key));
  was_said = false;
  REQUIRE(reset(
      machine.host, [](std::string_view) {}, TombstoneGoes::no, EtcdMembership::leaves, last_word));
  CHECK_FALSE(was_said);
}
