#include "boot/cloud_init_seed.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "document/strict_json.hpp"

namespace muster {
namespace {

// As JSON's strings, which YAML reads as they are: a machine may be called "on" or "007".
std::string meta_data(const BootMachine& machine) {
  return fmt::format("instance-id: {}\nlocal-hostname: {}\n", canonical_text(machine.instance_id),
                     canonical_text(machine.name.node));
}

// Network configuration version 2 (docs.cloud-init.io). Only where the inventory says all of it: an
// address without a gateway would cut off a machine that DHCP has just configured whole, and of
// several MACs none is known to carry the address. The interface gets a name of ours: cloud-init's
// renderer for networkd matches by name too, and what the machine calls it is not known here.
std::string network_config(const BootMachine& machine) {
  if (machine.gateway.empty() || machine.macs.size() != 1) return {};
  std::string text = fmt::format(
      "version: 2\n"
      "ethernets:\n"
      "  node0:\n"
      "    match: {{macaddress: \"{}\"}}\n"
      "    set-name: node0\n"
      "    addresses: [{}/{}]\n"
      "    routes: [{{to: 0.0.0.0/0, via: {}}}]\n",
      machine.macs.front(), machine.address, machine.network.prefix, machine.gateway);
  if (!machine.nameservers.empty())
    text +=
        fmt::format("    nameservers: {{addresses: [{}]}}\n", fmt::join(machine.nameservers, ", "));
  return text;
}

}  // namespace

std::optional<std::string> seed_file(std::string_view file, const BootMachine& machine,
                                     const SiteContact& site) {
  if (file == "meta-data") return meta_data(machine);
  if (file == "user-data") return user_data(site, told_whom(machine));
  if (file == "network-config") return network_config(machine);
  if (file == "vendor-data") return std::string();
  return std::nullopt;
}

}  // namespace muster
