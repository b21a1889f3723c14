#include "agent/preflight.hpp"

#include <algorithm>

namespace muster {
namespace {

const NetworkInterface* interface_with(const Facts& facts, const std::string& address) {
  for (const auto& interface : facts.interfaces) {
    const auto& addresses = interface.addresses;
    if (std::find(addresses.begin(), addresses.end(), address) != addresses.end()) {
      return &interface;
    }
  }
  return nullptr;
}

std::string interfaces_text(const Facts& facts) {
  std::string text;
  for (const auto& interface : facts.interfaces) {
    text += fmt::format("{}{} {} [{}]", text.empty() ? "" : ", ", interface.name, interface.mac,
                        fmt::join(interface.addresses, " "));
  }
  return text.empty() ? "none" : text;
}

void check_network(const MachineIdentity& role, const Facts& facts,
                   std::vector<Finding>& findings) {
  const auto* interface = interface_with(facts, role.address);
  if (interface == nullptr) {
    findings.push_back(
        {FailureClass::network,
         fmt::format(
             "address: expected {} on an interface, found {}; give the NIC this address (DHCP reservation or network configuration), or correct the inventory's 'address'",
             role.address, interfaces_text(facts))});
    return;
  }
  if (role.macs.empty() ||
      std::find(role.macs.begin(), role.macs.end(), interface->mac) != role.macs.end()) {
    return;
  }
  findings.push_back(
      {FailureClass::network,
       fmt::format(
           "network interface: expected {} on the NIC with MAC {}, found it on {} with {}; move the address (or the cable) to that NIC, or correct 'match.mac' in the inventory",
           role.address, fmt::join(role.macs, " or "), interface->name, interface->mac)});
}

void check_names(const MachineIdentity& role, const Facts& facts, std::vector<Finding>& findings) {
  // A pool's member takes its name from the document (machine/host_name).
  if (role.pool.empty() && facts.hostname != role.node) {
    findings.push_back(
        {FailureClass::identity,
         fmt::format("host name: expected '{0}', found '{1}'; run: hostnamectl set-hostname {0}",
                     role.node, facts.hostname)});
  }
  if (facts.machine_id.size() != 32) {
    findings.push_back(
        {FailureClass::identity,
         fmt::format(
             "/etc/machine-id: expected 32 hexadecimal digits, found '{}'; run: systemd-machine-id-setup",
             facts.machine_id)});
  }
}

void check_kernel(const MachineConfig& config, const Facts& facts, std::vector<Finding>& findings) {
  if (!facts.missing_cgroup_controllers.empty()) {
    findings.push_back(
        {FailureClass::runtime,
         fmt::format(
             "cgroups (version {}): expected the controllers cpu, cpuset, memory and pids, missing: {}; boot with cgroup_enable={}",
             facts.cgroup_version, fmt::join(facts.missing_cgroup_controllers, ", "),
             fmt::join(facts.missing_cgroup_controllers, ","))});
  }
  if (facts.swap_on && config.fail_on_swap) {
    findings.push_back(
        {FailureClass::kubelet,
         "swap: expected none, found some in /proc/swaps; run swapoff -a and take it out of /etc/fstab, or set the profile's 'swap: allow'"});
  }
  if (!facts.missing_kernel_modules.empty()) {
    findings.push_back(
        {FailureClass::runtime,
         fmt::format(
             "kernel modules: expected loaded or loadable, missing: {}; install the kernel package that carries them",
             fmt::join(facts.missing_kernel_modules, ", "))});
  }
}

}  // namespace

std::vector<Finding> preflight_findings(const NodeDocument& document, const Facts& facts) {
  std::vector<Finding> findings;
  check_names(document.role, facts, findings);
  check_network(document.role, facts, findings);
  check_kernel(document.config, facts, findings);
  for (const auto& [port, holder] : facts.foreign_ports) {
    findings.push_back(
        {FailureClass::runtime,
         fmt::format("port {}: expected free, found {} listening; stop it", port, holder)});
  }
  return findings;
}

ConvergeResult<> to_failure(const std::vector<Finding>& findings) {
  if (findings.empty()) return {};
  std::string text;
  for (const auto& finding : findings) text += (text.empty() ? "" : "\n") + finding.message;
  return fail_converge(findings.front().kind, ErrorKind::invalid, text);
}

}  // namespace muster
