// IPv4 addresses and networks: read, compared, written. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace muster {

struct Cidr {
  std::uint32_t network = 0;  // host byte order
  unsigned prefix = 0;
  [[nodiscard]] bool contains(std::uint32_t address) const;
  [[nodiscard]] bool contains(const Cidr& inner) const;
  [[nodiscard]] bool overlaps(const Cidr& other) const;
};

// "10.244.0.0/16": host bits zero.
[[nodiscard]] std::optional<Cidr> parse_cidr(std::string_view text);
// "10.0.0.1": dotted, no leading zeros; host byte order.
[[nodiscard]] std::optional<std::uint32_t> ipv4_value(std::string_view text);

[[nodiscard]] std::string ipv4_text(std::uint32_t address);  // host byte order
[[nodiscard]] std::string cidr_text(const Cidr& cidr);
// One past the last address: 2^32 for a network at the end.
[[nodiscard]] std::uint64_t end_of(const Cidr& cidr);
// The network of this prefix length that holds the address.
[[nodiscard]] Cidr cidr_around(std::uint32_t address, unsigned prefix);
// 0 is the network's own address, 1 the first for a host. Empty when it has not that many.
[[nodiscard]] std::string nth_address(const Cidr& cidr, std::uint32_t nth);

}  // namespace muster
