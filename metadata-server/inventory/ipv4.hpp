// IPv4 addresses and networks as numbers. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace muster {

// Host byte order. Strict: four decimal numbers without leading zeros.
[[nodiscard]] std::optional<std::uint32_t> parse_ipv4(std::string_view text);
[[nodiscard]] std::string ipv4_text(std::uint32_t address);

struct Ipv4Network {
  std::uint32_t first = 0;
  int prefix = 0;
  [[nodiscard]] std::uint64_t size() const { return std::uint64_t{1} << (32 - prefix); }
  // One past the last address: 2^32 for a network at the end.
  [[nodiscard]] std::uint64_t end() const { return first + size(); }
  [[nodiscard]] bool contains(std::uint32_t address) const {
    return address >= first && address < end();
  }
  [[nodiscard]] bool contains(const Ipv4Network& other) const {
    return other.first >= first && other.end() <= end();
  }
  [[nodiscard]] bool overlaps(const Ipv4Network& other) const {
    return first < other.end() && other.first < end();
  }
};

// "10.64.0.0/16"; nothing when bits are set behind the prefix.
[[nodiscard]] std::optional<Ipv4Network> parse_network(std::string_view text);
[[nodiscard]] std::string network_text(const Ipv4Network& network);
// The network of this prefix length that holds the address.
[[nodiscard]] Ipv4Network network_of(std::uint32_t address, int prefix);
// The nth address of a network: 0 is its own, 1 the first for a host. Empty text when it has none.
[[nodiscard]] std::string nth_address(const Ipv4Network& network, std::uint32_t nth);

}  // namespace muster
