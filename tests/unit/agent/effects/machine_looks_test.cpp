// The looks at the machine beside its network (effects_test): what breaks each, and a machine on
// which nothing is broken.
#include <doctest/doctest.h>

#include "agent/effects/looks.hpp"
#include "agent/effects/unit_files.hpp"
#include "agent/paths.hpp"
#include "fakes/fake_host.hpp"

using namespace muster;

namespace {

const std::string unit = "kubelet.service";
const std::string unit_path = "/usr/lib/systemd/system/kubelet.service";
const std::string drop_in = "/etc/systemd/system/kubelet.service.d/site.conf";

// A machine on which everything is as it should be.
struct LooksFixture {
  FakeHost machine;
  FakeFilesystem& files = machine.files;
  DesiredState desired;
  Checkpoint checkpoint;
  std::map<std::string, UnitStatus> units;

  LooksFixture() {
    desired.kernel_modules = {"overlay", "br_netfilter"};
    desired.files = {
        {paths::kernel_sysctl,
         "-net.netfilter.nf_conntrack_max = 131072\nkernel.core_pattern = |/bin/core %p\n"
         "net.ipv4.ip_forward = 1\nnet/ipv4/conf/eth0.7/rp_filter = 0\n"
         "net.ipv4.tcp_rmem = 4096 131072 6291456\nvm.flag = 0x10\n"},
        {paths::host_name, "n1\n"},
        {paths::cni_config, "{}"},
        {std::string(paths::kubelet_dropins) + "/10-document.conf", "{}"}};
    for (const auto& file : desired.files) files.put(file.path, file.content);
    files.put("/proc/sys/net/netfilter/nf_conntrack_max", "131072\n");
    files.put("/proc/sys/kernel/core_pattern", "|/bin/core %p\n");
    files.put("/proc/sys/net/ipv4/ip_forward", "1\n");
    files.put("/proc/sys/net/ipv4/conf/eth0.7/rp_filter", "0\n");
    files.put("/proc/sys/net/ipv4/tcp_rmem", "4096\t131072\t6291456\n");
    files.put("/proc/sys/vm/flag", "16\n");
    files.put("/proc/sys/kernel/hostname", "n1\n");
    files.put("/proc/sys/kernel/osrelease", "6.12\n");
    files.put("/lib/modules/6.12/modules.dep",
              "kernel/net/br_netfilter.ko.xz: kernel/net/bridge.ko.xz\n");
    files.put("/lib/modules/6.12/modules.builtin", "kernel/fs/overlay.ko\n");
    files.put("/sys/module/br_netfilter/refcnt", "0\n");
    desired.certificates.resize(1);
    desired.certificates[0].path = "/etc/kubernetes/pki/etcd-server";
    desired.secrets = {{"token", 1, "/etc/token", "nobody", "0640"}};
    REQUIRE(files.make_directory(paths::state, 0711, "root"));
    files.put("/etc/kubernetes/pki/etcd-server/tls.key", "key", 0600);
    files.put(paths::settings, "{}", 0600);
    files.put(paths::identity_key, "key", 0600);
    REQUIRE(files.write("/etc/token", "token", 0640, "nobody"));
    files.put(unit_path, std::string(unit_file(unit)));
    units[unit] = {"loaded", "active"};
    units[unit].fragment = unit_path;
  }
  Effects effects() { return observe_effects({machine.host, desired, checkpoint, units}); }
  std::string undone(const std::string& setter = "muster-kernel.service") {
    const auto undone = effects().undone;
    const auto found = undone.find(setter);
    return found == undone.end() ? "" : in_short(found->second);
  }
  std::string unwell() {
    std::string text;
    for (const auto& problem : effects().unwell)
      text += problem.subject + ": " + problem.message + "\n";
    return text;
  }
  std::string corrections() {
    std::string text;
    for (const auto& planned : effects().corrections) {
      text += std::get<CorrectFile>(planned.action).path + ": " + planned.reason + "\n";
    }
    return text;
  }
  void add(const std::string& lines) {
    files.put(drop_in, lines);
    units[unit].drop_ins = {drop_in};
  }
};

}  // namespace

TEST_CASE_FIXTURE(LooksFixture, "on a sound machine nothing is found") {
  const auto found = effects();
  CHECK(found.undone.empty());
  CHECK(found.unwell.empty());
  CHECK(found.corrections.empty());
  CHECK(found.lapsed.empty());
  CHECK(machine.process.runs.empty());
}

TEST_CASE_FIXTURE(LooksFixture, "every line of our sysctls is compared with the kernel's value") {
  files.put("/proc/sys/net/ipv4/ip_forward", "0\n");
  CHECK(undone() == "sysctl net.ipv4.ip_forward: 0, expected 1");
  files.put("/proc/sys/net/ipv4/ip_forward", "1\n");
  files.put("/proc/sys/net/ipv4/conf/eth0.7/rp_filter", "2\n");
  files.put("/proc/sys/net/ipv4/tcp_rmem", "4096\t131072\n");
  files.put("/proc/sys/kernel/core_pattern", "core\n");
  CHECK(
      undone() ==
      "sysctl kernel.core_pattern: core, expected |/bin/core %p, sysctl net/ipv4/conf/eth0.7/rp_filter: 2, expected 0, sysctl net.ipv4.tcp_rmem: 4096\t131072, expected 4096 131072 6291456");
  REQUIRE(files.remove("/proc/sys/kernel/core_pattern"));
  CHECK(undone().find("sysctl kernel.core_pattern: not there, expected |/bin/core %p") == 0);
}

TEST_CASE_FIXTURE(LooksFixture, "a line that may be refused is missed where it could be set") {
  const std::string path = "/proc/sys/net/netfilter/nf_conntrack_max";
  files.put(path, "65536\n");
  CHECK(undone() == "sysctl net.netfilter.nf_conntrack_max: 65536, expected 131072");
  files.put(path, "65536\n", 0444);
  CHECK(undone() == "");
  REQUIRE(files.remove(path));
  CHECK(undone() == "");
}

TEST_CASE_FIXTURE(LooksFixture,
                  "a module that went is loaded again; one that is built in did not go") {
  REQUIRE(files.remove("/sys/module/br_netfilter"));
  CHECK(undone() == "module br_netfilter: not loaded");
  // In a container nothing says which there are.
  REQUIRE(files.remove("/lib/modules/6.12"));
  CHECK(undone() == "");
}

TEST_CASE_FIXTURE(LooksFixture, "what a command line lacks waits for the next boot") {
  desired.kernel_arguments = {"hugepages=4", "quiet", "muster.image=image-tower/2"};
  files.put("/proc/cmdline", "initrd=initrd quiet hugepages=4 muster.image=image-tower/2\n");
  CHECK(effects().next_boot.empty());
  files.put("/proc/cmdline", "initrd=initrd quietly hugepages=44 muster.image=image-tower/1\n");
  CHECK(
      effects().next_boot ==
      std::vector<std::string>{
          "kernel: at its next boot: hugepages=4, quiet, image image-tower/2 (now image-tower/1)"});
  files.put("/proc/cmdline", "root=/dev/sda1 quiet hugepages=4\n");
  CHECK(effects().next_boot ==
        std::vector<std::string>{
            "kernel: at its next boot: image image-tower/2 (now none of the site)"});
  CHECK(effects().unwell.empty());
  // What a machine that starts from its disk is told there is its image's.
  desired.kernel_arguments.clear();
  CHECK(effects().next_boot.empty());
}

TEST_CASE_FIXTURE(LooksFixture, "the host name of a document is the kernel's") {
  files.put("/proc/sys/kernel/hostname", "other\n");
  CHECK(undone("muster-hostname.service") == "host name: other, expected n1");
}

TEST_CASE_FIXTURE(LooksFixture, "what is private stays private") {
  files.put("/etc/kubernetes/pki/etcd-server/tls.key", "key", 0644);
  files.put(paths::settings, "{}", 0604);
  files.put(paths::identity_key, "key", 0660);
  REQUIRE(files.write("/etc/token", "token", 0640, "root"));
  REQUIRE(files.make_directory(paths::state, 0755, "root"));
  CHECK(corrections() ==
        "/var/lib/muster: mode 0755, expected 0711\n"
        "/etc/muster/agent.json: mode 0604, expected 0600\n"
        "/var/lib/muster/identity/key.pem: mode 0660, expected 0600\n"
        "/etc/kubernetes/pki/etcd-server/tls.key: mode 0644, expected 0600\n"
        "/etc/token: owner root, expected nobody\n");
  CHECK(unwell() == "");
}

TEST_CASE_FIXTURE(LooksFixture, "a file that a component reads beside ours is named and left") {
  files.put("/etc/kubernetes/kubelet.conf.d/99-mine.conf", "maxPods: 10\n");
  files.put("/etc/kubernetes/kubelet.conf.d/99-mine.conf.bak", "");
  files.put("/etc/cni/net.d/05-mine.conflist", "{}");
  files.put("/etc/cni/net.d/20-after.conf", "{}");
  files.put("/etc/containerd/conf.d/mine.toml", "");
  const std::string cure = "; put what it says into the inventory, and remove it\n";
  CHECK(
      unwell() ==
      "file /etc/kubernetes/kubelet.conf.d/99-mine.conf: no document has it, and kubelet reads it beside Muster's, at its next start" +
          cure +
          "file /etc/cni/net.d/05-mine.conflist: no document has it, and containerd takes it in the place of 10-muster.conflist" +
          cure +
          "file /etc/containerd/conf.d/mine.toml: no document has it, and containerd reads it beside Muster's, at its next start" +
          cure);
  // The inventory's own, and one that is to go at the machine's turn.
  desired.files.push_back({"/etc/kubernetes/kubelet.conf.d/99-mine.conf", "maxPods: 10\n"});
  desired.files.push_back({"/etc/containerd/conf.d/mine.toml", ""});
  checkpoint.files.insert("/etc/cni/net.d/05-mine.conflist");
  CHECK(unwell() == "");
}

TEST_CASE_FIXTURE(LooksFixture, "the folder of another pod network is that one's") {
  std::erase_if(desired.files, [](const auto& file) { return file.path == paths::cni_config; });
  files.put("/etc/cni/net.d/05-cilium.conflist", "{}");
  CHECK(unwell() == "");
}

TEST_CASE_FIXTURE(LooksFixture, "a unit file of ours says what it was built with") {
  files.put(unit_path, "[Service]\nExecStart=/bin/true\n");
  CHECK(corrections() == unit_path + ": content differs\n");
  CHECK(std::get<CorrectFile>(effects().corrections[0].action).text == unit_file(unit));
  REQUIRE(files.remove(unit_path));
  CHECK(corrections() == unit_path + ": missing\n");
  // Where nothing is packaged it was put there by hand, and is ours all the same.
  units[unit].fragment = "/etc/systemd/system/kubelet.service";
  files.put(units[unit].fragment, "[Service]\n");
  CHECK(corrections() == "/etc/systemd/system/kubelet.service: content differs\n");
  units["sshd.service"] = {"loaded", "active"};
  units["sshd.service"].fragment = "/etc/systemd/system/sshd.service";
  CHECK(effects().corrections.size() == 1);
}

TEST_CASE_FIXTURE(LooksFixture,
                  "one that systemd has forgotten is put where the others of ours are") {
  units["kube-proxy.service"] = {"not-found", "active"};
  CHECK(corrections() == "/usr/lib/systemd/system/kube-proxy.service: missing\n");
  units[unit].fragment = "/etc/systemd/system/kubelet.service";
  files.put(units[unit].fragment, std::string(unit_file(unit)));
  REQUIRE(files.remove(unit_path));
  CHECK(corrections() == "/etc/systemd/system/kube-proxy.service: missing\n");
  // Of a service that is none of ours nothing is known.
  units["sshd.service"] = {"not-found", "inactive"};
  CHECK(effects().corrections.size() == 1);
}

TEST_CASE_FIXTURE(LooksFixture, "a target that no boot starts is named") {
  files.put("/usr/lib/systemd/system/muster.target", "[Unit]\n");
  CHECK(
      unwell() ==
      "unit muster.target: disabled: the next boot starts nothing of this machine; run: systemctl enable muster.target\n");
  files.put("/etc/systemd/system/multi-user.target.wants/muster.target", "[Unit]\n");
  CHECK(unwell() == "");
}

TEST_CASE_FIXTURE(LooksFixture, "a person's unit in the place of ours is named, and so is a mask") {
  units[unit].fragment = "/etc/systemd/system/kubelet.service";
  files.put(units[unit].fragment, "[Service]\n");
  CHECK(
      unwell() ==
      "unit kubelet.service: /etc/systemd/system/kubelet.service stands in the place of /usr/lib/systemd/system/kubelet.service; keep what you need of it as a drop-in, remove it, then run: systemctl daemon-reload\n");
  CHECK(corrections() == "");
  units[unit].load_state = "masked";
  CHECK(
      unwell() ==
      "unit kubelet.service: masked: it cannot start again; run: systemctl unmask kubelet.service\n");
}

TEST_CASE_FIXTURE(LooksFixture,
                  "a drop-in that adds is a person's own, one that replaces is named") {
  const std::string ours =
      " of kubelet.service in Muster's place; put that into the inventory, take it out there, then run: systemctl daemon-reload, and in this machine's turn: systemctl restart kubelet.service\n";
  const auto decides = [&](const std::string& what) {
    return "drop-in " + drop_in + ": it decides " + what + ours;
  };
  for (const char* adds :
       {"[Service]\nEnvironment=HTTP_PROXY=http://p:3128\nMemoryMax=1G\n",
        "# [Service]\n#ExecStart=/x\n", "[Unit]\nAfter=nfs.service\nExecStart=/x\n",
        "[Service]\nExecStartPost=/bin/true \\\nExecStart=/x\n",
        "[Service]\nEnvironmentFile=-/etc/default/proxy\n"}) {
    add(adds);
    CHECK(unwell() == "");
  }
  add("[Service]\nExecStart=\nExecStart=/usr/bin/kubelet\nKillMode = mixed\n");
  CHECK(unwell() == decides("ExecStart, KillMode"));
  add("[Service]\nEnvironment=\"ARGS=--v=9\"\n");
  CHECK(unwell() == decides("Environment"));
  add("[Service]\nEnvironment=\n");
  CHECK(unwell() == decides("Environment"));
  files.put("/etc/default/kubelet", "ARGS=--v=9\n");
  add("[Service]\nEnvironmentFile=-/etc/default/kubelet\n");
  CHECK(unwell() == decides("EnvironmentFile"));
  CHECK(corrections() == "");
}

TEST_CASE_FIXTURE(LooksFixture, "a drop-in that decides whether a unit starts at all is told") {
  units[unit].drop_ins = {drop_in};
  for (const char* setting : {"ConditionPathExists", "AssertPathExists"}) {
    files.put(drop_in, fmt::format("[Unit]\n{}=/nope\n", setting));
    CHECK(unwell().starts_with(fmt::format("drop-in {}: it decides {} of {} in Muster's place; ",
                                           drop_in, setting, unit)));
  }
  files.put(drop_in, "[Unit]\nConditionPathExists=\nAfter=x.service\n");
  CHECK(unwell().empty());
}

TEST_CASE_FIXTURE(LooksFixture, "a component that hangs is told as its monitor found it") {
  for (const std::string name :
       {"kube-proxy", "kube-controller-manager", "kube-scheduler", "etcd"}) {
    files.put(
        "/run/muster-monitor/" + name + ".json",
        fmt::format(R"({{"at":5,"unit":"{}.service","healthy":false,"message":"hangs"}})", name));
    CHECK(unwell() == "unit " + name + ".service: hangs\n");
    REQUIRE(files.remove("/run/muster-monitor/" + name + ".json"));
  }
}
