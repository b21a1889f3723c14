#include "machine/cni_config.hpp"

#include <fmt/format.h>

#include "machine/yaml_text.hpp"

namespace muster {

std::string cni_config(const NodeDocument& document) {
  // Leases on tmpfs: after a reboot no pod of before is alive, and none keeps its address.
  const Json addresses = {{"type", "host-local"},
                          {"dataDir", "/run/cni/leases"},
                          {"ranges", {{{{"subnet", document.role.pod_cidr}}}}},
                          {"routes", {{{"dst", "0.0.0.0/0"}}}}};
  const Json bridge = {{"type", "bridge"}, {"bridge", "cni0"},    {"isGateway", true},
                       {"ipMasq", false},  {"hairpinMode", true}, {"ipam", addresses}};
  const Json host_ports = {{"type", "portmap"},
                           {"capabilities", {{"portMappings", true}}},
                           {"backend", "nftables"},
                           {"snat", true}};
  const Json config = {
      {"cniVersion", "1.0.0"}, {"name", "muster"}, {"plugins", Json::array({bridge, host_ports})}};
  return config.dump(2) + "\n";
}

std::string masquerade_rules(const NodeDocument& document) {
  return fmt::format(R"(table ip muster
delete table ip muster
table ip muster {{
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr {} ip daddr != {{ {}, 224.0.0.0/4 }} oifname != "cni0" masquerade
  }}
}}
)",
                     document.role.pod_cidr, document.role.cluster.pod_cidr);
}

}  // namespace muster
