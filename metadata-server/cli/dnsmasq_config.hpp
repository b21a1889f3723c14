// dnsmasq's configuration for the segment that machines boot from, made of the inventory: who gets
// which address, and which iPXE each kind of firmware loads. Pure. boot/README.md, "DHCP and TFTP".
#pragma once

#include <string>
#include <vector>

#include "inventory/objects.hpp"
#include "result/result.hpp"

namespace muster {

// proxy: beside a DHCP server that gives addresses, ours says where to boot from. full: alone.
enum class DhcpMode { proxy, full };

struct DhcpSettings {
  DhcpMode mode = DhcpMode::proxy;
  std::vector<std::string> interfaces;
  std::string server;  // the boot listener, "http://10.77.0.1:8080"
  std::string tftp_folder = "/usr/lib/ipxe";
  std::string lease_file = "/var/lib/muster-dnsmasq/leases";
  // For machines that nobody listed, full: "10.77.0.200,10.77.0.250"; empty: they get none.
  std::string range;
  // An IPv6 prefix, full: "fd00:77::". Old iPXE waits 16 to 34 s for a router's word that there is
  // none.
  std::string router_advertisement;
  // Where UEFI's HTTP boot fetches iPXE, full: a URL that ends in .efi; empty: no HTTP boot.
  std::string http_boot;
};

// Of every cluster in the inventory; a line for each machine with a MAC and for each BMC,
// ordered. invalid: every
// problem at once.
[[nodiscard]] Result<std::string> dnsmasq_config(const Inventory& inventory,
                                                 const DhcpSettings& settings);

}  // namespace muster
