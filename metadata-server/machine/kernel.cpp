#include "machine/kernel.hpp"

#include <algorithm>

#include "machine/paths.hpp"

namespace muster {
namespace {

std::vector<std::string> modules_of(const NodeDocument& document) {
  std::vector<std::string> modules = {"overlay", "br_netfilter", "nf_conntrack"};
  for (const std::string& name : document.config.kernel.modules) {
    if (std::find(modules.begin(), modules.end(), name) == modules.end()) modules.push_back(name);
  }
  return modules;
}

std::map<std::string, std::string> sysctls_of(const NodeDocument& document, const Facts& facts) {
  std::map<std::string, std::string> values = {
      {"net.ipv4.ip_forward", "1"},
      {"net.bridge.bridge-nf-call-iptables", "1"},
      {"fs.inotify.max_user_instances", "8192"},
      {"fs.inotify.max_user_watches", "524288"},
      // What kubelet with protectKernelDefaults insists on (kubelet/cm/container_manager_linux.go).
      {"vm.overcommit_memory", "1"},
      {"vm.panic_on_oom", "0"},
      {"kernel.panic", "10"},
      {"kernel.panic_on_oops", "1"},
      {"kernel.keys.root_maxkeys", "1000000"},
      {"kernel.keys.root_maxbytes", "25000000"},
      // kube-proxy's own defaults; it is told to leave them alone. A leading "-" lets a machine
      // whose network namespace may not set them go on (systemd's sysctl.d).
      {"-net.netfilter.nf_conntrack_max", std::to_string(std::max(131072u, 32768u * facts.cpus))},
      {"-net.netfilter.nf_conntrack_tcp_timeout_established", "86400"},
      {"-net.netfilter.nf_conntrack_tcp_timeout_close_wait", "3600"}};
  for (const auto& [key, value] : document.config.kernel.sysctl) {
    values.erase("-" + key);
    values[key] = value;
  }
  return values;
}

}  // namespace

void add_kernel(const NodeDocument& document, const Facts& facts, DesiredState& state) {
  std::string modules;
  for (const std::string& name : modules_of(document)) {
    modules += name + "\n";
    state.kernel_modules.push_back(name);
  }
  // Of one that starts from its disk, the image has them.
  if (const auto& image = document.config.netboot) {
    state.kernel_arguments = document.config.kernel.arguments;
    state.kernel_arguments.push_back(
        fmt::format("muster.image={}/{}", image->name, image->version));
  }
  std::string sysctls;
  for (const auto& [key, value] : sysctls_of(document, facts)) {
    sysctls += fmt::format("{} = {}\n", key, value);
  }
  state.files.push_back({paths::kernel_modules, modules});
  state.files.push_back({paths::kernel_sysctl, sysctls});
  DesiredUnit unit;
  unit.name = "muster-kernel.service";
  unit.restart_on = {paths::kernel_modules, paths::kernel_sysctl};
  unit.restart_is_harmless = true;
  state.units.push_back(unit);
}

}  // namespace muster
