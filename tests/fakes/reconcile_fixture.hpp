// A worker whose server, keys and releases are real and whose machine is in memory: what the tests
// of whole converges start from.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "agent/own_state.hpp"
#include "agent/paths.hpp"
#include "agent/reconcile.hpp"
#include "fakes/example_document.hpp"
#include "fakes/fake_site.hpp"

namespace muster {

struct ReconcileFixture {
  FakeHost machine;
  FakeSite site{machine.clock};
  FakeNetwork network{site};
  Settings settings;
  NodeDocument document = example_document(Role::node);
  std::vector<std::string> narrated;

  ReconcileFixture() {
    settings.site_pin = site.pin();
    settings.enrol_servers = {"https://10.0.0.254:8443"};
    site.node = "n1";
    network.address = document.role.address;
    put_facts("boot-1");
    // containerd makes its store when it first starts.
    REQUIRE(machine.files.make_directory(
        "/var/lib/containerd/io.containerd.metadata.v1.bolt/meta.db", 0711, "root"));
    static_cast<void>(changes_outside_state());
    document.site = site.pin();
    for (auto& [name, list] : document.role.cluster.authorities) {
      list = {site.cluster_ca.certificate().pem()};
    }
    document.config.releases.clear();
    for (const char* name : {"containerd", "runc", "cni-plugins", "kubernetes-node", "haproxy"}) {
      document.config.releases.push_back(site.publish(
          name, "1.36.3", {{std::string("bin/") + name, std::string(name) + " bytes"}}));
    }
    document.config.releases.push_back(site.publish("pause", "1.0", {{"images/pause.tar", "p"}}));
    for (const char* name : {"kubelet-client", "kubelet-server", "kube-proxy"}) {
      CertificateSpec spec;
      spec.name = name;
      spec.authority = "cluster";
      spec.path = std::string("/etc/kubernetes/pki/") + name;
      spec.common_name = "system:node:n1";
      spec.usages = {CertificateUsage::client};
      document.certificates.push_back(spec);
    }
    serve();
  }

  void serve() {
    site.serve(document);
    PeerList peers = example_peers();
    peers.site = site.pin();
    site.serve(peers);
  }

  void put_facts(const std::string& boot_id) {
    machine.files.put("/proc/sys/kernel/hostname", "n1\n");
    machine.files.put("/proc/sys/kernel/random/boot_id", boot_id + "\n");
    site.reported_boot = boot_id;
    machine.files.put("/etc/machine-id", std::string(32, 'f') + "\n");
    machine.files.put("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu memory pids\n");
    machine.files.put("/proc/meminfo", "MemTotal: 4000000 kB\n");
    machine.files.put("/sys/devices/system/cpu/online", "0-1\n");
  }

  void reboot(const std::string& boot_id) {
    machine.services.active.clear();
    memory = Memory();
    put_facts(boot_id);
  }

  // One poll of the daemon; another agent starts with an empty memory.
  Memory memory;
  Outcome converge(bool ordered = false) {
    const Narrate narrate = [this](std::string_view line) { narrated.emplace_back(line); };
    Checkpoint checkpoint = open_state(machine.host, memory, narrate);
    Reporter reporter(machine.host, checkpoint, memory, narrate);
    Run run{machine.host, network,  settings,
            checkpoint,   reporter, Deadline(machine.clock, std::chrono::minutes(10)),
            false,        ordered,  memory};
    return reconcile(run);
  }

  // Changes outside the agent's own state since the last call.
  std::vector<std::string> changes_outside_state() {
    std::vector<std::string> found;
    for (const auto& change : machine.files.changes) {
      const bool is_own = change.find(paths::state) != std::string::npos ||
                          change.find(paths::runtime) != std::string::npos;
      if (!is_own) found.push_back(change);
    }
    machine.files.changes.clear();
    return found;
  }
};

}  // namespace muster
