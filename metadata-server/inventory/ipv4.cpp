#include "inventory/ipv4.hpp"

#include <fmt/format.h>

namespace muster {

std::string ipv4_text(std::uint32_t address) {
  return fmt::format("{}.{}.{}.{}", address >> 24, (address >> 16) & 255, (address >> 8) & 255,
                     address & 255);
}

std::string cidr_text(const Cidr& cidr) {
  return fmt::format("{}/{}", ipv4_text(cidr.network), cidr.prefix);
}

std::uint64_t end_of(const Cidr& cidr) {
  return cidr.network + (std::uint64_t{1} << (32 - cidr.prefix));
}

Cidr cidr_around(std::uint32_t address, unsigned prefix) {
  const std::uint32_t mask = prefix == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix);
  return {address & mask, prefix};
}

std::string nth_address(const Cidr& cidr, std::uint32_t nth) {
  return cidr.network + std::uint64_t{nth} >= end_of(cidr) ? "" : ipv4_text(cidr.network + nth);
}

}  // namespace muster
