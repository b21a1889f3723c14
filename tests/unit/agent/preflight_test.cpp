#include "agent/preflight.hpp"

#include <doctest/doctest.h>

#include "fakes/example_document.hpp"

using namespace muster;

namespace {

Facts sound_facts() {
  Facts facts;
  facts.hostname = "m1";
  facts.machine_id = std::string(32, 'f');
  facts.interfaces = {{"eth0", "52:54:00:00:00:01", {"10.77.0.11"}}};
  return facts;
}

}  // namespace

TEST_CASE("a fit machine has no findings") {
  CHECK(preflight_findings(example_document(), sound_facts()).empty());
  CHECK(to_failure({}));
}

TEST_CASE("a pool's member need not be called so beforehand") {
  auto document = example_document();
  Facts facts = sound_facts();
  facts.hostname = "ip-10-77-0-11";
  CHECK_FALSE(preflight_findings(document, facts).empty());
  document.role.pool = "masters";
  CHECK(preflight_findings(document, facts).empty());
}

TEST_CASE("every finding is said at once, with its cure") {
  auto document = example_document();
  Facts facts = sound_facts();
  facts.hostname = "debian";
  facts.machine_id = "";
  facts.interfaces[0].addresses = {"192.168.1.5"};
  facts.swap_on = true;
  facts.missing_cgroup_controllers = {"memory"};
  facts.missing_kernel_modules = {"overlay"};
  facts.foreign_ports = {{2379, "'etcd' (process 7)"}};
  const auto failure = to_failure(preflight_findings(document, facts));
  REQUIRE_FALSE(failure);
  CHECK(failure.error().kind == FailureClass::identity);
  CHECK(
      failure.error().error.message ==
      "host name: expected 'm1', found 'debian'; run: hostnamectl set-hostname m1\n"
      "/etc/machine-id: expected 32 hexadecimal digits, found ''; run: systemd-machine-id-setup\n"
      "address: expected 10.77.0.11 on an interface, found eth0 52:54:00:00:00:01 [192.168.1.5]; give the NIC this address (DHCP reservation or network configuration), or correct the inventory's 'address'\n"
      "cgroups (version 2): expected the controllers cpu, cpuset, memory and pids, missing: memory; boot with cgroup_enable=memory\n"
      "swap: expected none, found some in /proc/swaps; run swapoff -a and take it out of /etc/fstab, or set the profile's 'swap: allow'\n"
      "kernel modules: expected loaded or loadable, missing: overlay; install the kernel package that carries them\n"
      "port 2379: expected free, found 'etcd' (process 7) listening; stop it");
  CHECK(
      failure.error().detail.cure ==
      "run: hostnamectl set-hostname m1; run: systemd-machine-id-setup; give the NIC this address (DHCP reservation or network configuration), or correct the inventory's 'address'; boot with cgroup_enable=memory; run swapoff -a and take it out of /etc/fstab, or set the profile's 'swap: allow'; install the kernel package that carries them; stop 'etcd' (process 7), which listens on port 2379");
}

TEST_CASE("the address on the wrong NIC is found by MAC") {
  auto document = example_document();
  document.role.macs = {"52:54:00:00:00:02"};
  const auto findings = preflight_findings(document, sound_facts());
  REQUIRE(findings.size() == 1);
  CHECK(
      findings[0].message ==
      "network interface: expected 10.77.0.11 on the NIC with MAC 52:54:00:00:00:02, found it on eth0 with 52:54:00:00:00:01; move the address (or the cable) to that NIC, or correct 'match.mac' in the inventory");
}

TEST_CASE("swap is no finding where the profile allows it") {
  auto document = example_document();
  document.config.fail_on_swap = false;
  Facts facts = sound_facts();
  facts.swap_on = true;
  CHECK(preflight_findings(document, facts).empty());
}
