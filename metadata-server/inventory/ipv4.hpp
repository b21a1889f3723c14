// What document/field_syntax.hpp's Cidr does not do: texts of it, its nth address. Pure.
#pragma once

#include <cstdint>
#include <string>

#include "document/field_syntax.hpp"

namespace muster {

[[nodiscard]] std::string ipv4_text(std::uint32_t address);  // host byte order
[[nodiscard]] std::string cidr_text(const Cidr& cidr);
// One past the last address: 2^32 for a network at the end.
[[nodiscard]] std::uint64_t end_of(const Cidr& cidr);
// The network of this prefix length that holds the address.
[[nodiscard]] Cidr cidr_around(std::uint32_t address, unsigned prefix);
// 0 is the network's own address, 1 the first for a host. Empty when it has not that many.
[[nodiscard]] std::string nth_address(const Cidr& cidr, std::uint32_t nth);

}  // namespace muster
