#include "inventory/special_networks.hpp"

#include <array>

namespace muster {

namespace {

constexpr Cidr special_net(std::uint32_t a, std::uint32_t b, std::uint32_t c, unsigned prefix) {
  return {a << 24 | b << 16 | c << 8, prefix};
}

using SpecialUse = SpecialNetwork::Use;

// The worst first.
constexpr std::array special_table = {
    SpecialNetwork{special_net(0, 0, 0, 8), SpecialUse::unusable, "'this network'",
                   "an address of 'this network'"},
    SpecialNetwork{special_net(127, 0, 0, 8), SpecialUse::unusable, "loopback",
                   "a loopback address"},
    SpecialNetwork{special_net(169, 254, 0, 16), SpecialUse::unusable, "link-local",
                   "a link-local address"},
    SpecialNetwork{special_net(224, 0, 0, 4), SpecialUse::unusable, "multicast",
                   "a multicast address"},
    SpecialNetwork{special_net(240, 0, 0, 4), SpecialUse::unusable, "reserved",
                   "a reserved address"},
    SpecialNetwork{special_net(192, 0, 0, 24), SpecialUse::odd, "IETF protocol assignments", ""},
    SpecialNetwork{special_net(192, 0, 2, 24), SpecialUse::odd, "documentation", ""},
    SpecialNetwork{special_net(192, 31, 196, 24), SpecialUse::odd, "AS112", ""},
    SpecialNetwork{special_net(192, 52, 193, 24), SpecialUse::odd, "AMT relays", ""},
    SpecialNetwork{special_net(192, 88, 99, 24), SpecialUse::odd, "6to4 relays", ""},
    SpecialNetwork{special_net(192, 175, 48, 24), SpecialUse::odd, "AS112", ""},
    SpecialNetwork{special_net(198, 18, 0, 15), SpecialUse::odd, "benchmarks", ""},
    SpecialNetwork{special_net(198, 51, 100, 24), SpecialUse::odd, "documentation", ""},
    SpecialNetwork{special_net(203, 0, 113, 24), SpecialUse::odd, "documentation", ""},
    SpecialNetwork{special_net(10, 0, 0, 8), SpecialUse::ordinary, "private", ""},
    SpecialNetwork{special_net(100, 64, 0, 10), SpecialUse::ordinary, "shared", ""},
    SpecialNetwork{special_net(172, 16, 0, 12), SpecialUse::ordinary, "private", ""},
    SpecialNetwork{special_net(192, 168, 0, 16), SpecialUse::ordinary, "private", ""},
};

}  // namespace

const SpecialNetwork* special_network(const Cidr& network) {
  for (const SpecialNetwork& row : special_table) {
    const bool has = row.use == SpecialUse::ordinary ? row.network.contains(network)
                                                     : row.network.overlaps(network);
    if (has) return &row;
  }
  return nullptr;
}

std::string_view unusable_address(std::uint32_t address) {
  if (address == 0) return "the unspecified address";
  if (address == 0xffffffff) return "the broadcast address";
  for (const SpecialNetwork& row : special_table) {
    if (row.use == SpecialUse::unusable && row.network.contains(address)) return row.address;
  }
  return {};
}

}  // namespace muster
