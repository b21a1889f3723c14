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

Finding finding(FailureClass kind, const std::string& found, const std::string& cure) {
  return {kind, found + "; " + cure, cure};
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
    findings.push_back(finding(
        FailureClass::network,
        fmt::format("address: expected {} on an interface, found {}", role.address,
                    interfaces_text(facts)),
        "give the NIC this address (DHCP reservation or network configuration), or correct the inventory's 'address'"));
    return;
  }
  if (role.macs.empty() ||
      std::find(role.macs.begin(), role.macs.end(), interface->mac) != role.macs.end()) {
    return;
  }
  findings.push_back(finding(
      FailureClass::network,
      fmt::format("network interface: expected {} on the NIC with MAC {}, found it on {} with {}",
                  role.address, fmt::join(role.macs, " or "), interface->name, interface->mac),
      "move the address (or the cable) to that NIC, or correct 'match.mac' in the inventory"));
}

void check_names(const MachineIdentity& role, const Facts& facts, std::vector<Finding>& findings) {
  // A pool's member takes its name from the document (machine/host_name).
  if (role.pool.empty() && facts.hostname != role.node) {
    findings.push_back(
        finding(FailureClass::identity,
                fmt::format("host name: expected '{}', found '{}'", role.node, facts.hostname),
                "run: hostnamectl set-hostname " + role.node));
  }
  if (facts.machine_id.size() != 32) {
    findings.push_back(
        finding(FailureClass::identity,
                fmt::format("/etc/machine-id: expected 32 hexadecimal digits, found '{}'",
                            facts.machine_id),
                "run: systemd-machine-id-setup"));
  }
}

void check_kernel(const MachineConfig& config, const Facts& facts, std::vector<Finding>& findings) {
  if (!facts.missing_cgroup_controllers.empty()) {
    findings.push_back(finding(
        FailureClass::runtime,
        fmt::format(
            "cgroups (version {}): expected the controllers cpu, cpuset, memory and pids, missing: {}",
            facts.cgroup_version, fmt::join(facts.missing_cgroup_controllers, ", ")),
        fmt::format("boot with cgroup_enable={}",
                    fmt::join(facts.missing_cgroup_controllers, ","))));
  }
  if (facts.swap_on && config.fail_on_swap) {
    findings.push_back(finding(
        FailureClass::kubelet, "swap: expected none, found some in /proc/swaps",
        "run swapoff -a and take it out of /etc/fstab, or set the profile's 'swap: allow'"));
  }
  if (!facts.missing_kernel_modules.empty()) {
    findings.push_back(
        finding(FailureClass::runtime,
                fmt::format("kernel modules: expected loaded or loadable, missing: {}",
                            fmt::join(facts.missing_kernel_modules, ", ")),
                "install the kernel package that carries them"));
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
         fmt::format("port {}: expected free, found {} listening; stop it", port, holder),
         fmt::format("stop {}, which listens on port {}", holder, port)});
  }
  return findings;
}

ConvergeResult<> to_failure(const std::vector<Finding>& findings) {
  if (findings.empty()) return {};
  std::string text, cures;
  for (const auto& one : findings) {
    text += (text.empty() ? "" : "\n") + one.message;
    cures += (cures.empty() ? "" : "; ") + one.cure;
  }
  return pass_failure({findings.front().kind, {ErrorKind::invalid, text}, {{}, {}, cures}});
}

}  // namespace muster
