#include "inventory/ipv4.hpp"

#include <fmt/format.h>

#include <charconv>

namespace muster {

namespace {

// A decimal number without sign or leading zero, at most `maximum`.
std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t maximum) {
  if (text.empty() || text.size() > 3 || (text.size() > 1 && text.front() == '0')) return {};
  std::uint32_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || number > maximum)
    return {};
  return number;
}

}  // namespace

std::optional<std::uint32_t> parse_ipv4(std::string_view text) {
  std::uint32_t address = 0;
  for (int part = 0; part < 4; ++part) {
    const std::size_t dot = text.find('.');
    if ((dot == std::string_view::npos) != (part == 3)) return {};
    const auto number = parse_number(text.substr(0, dot), 255);
    if (!number) return {};
    address = (address << 8) | *number;
    if (part < 3) text.remove_prefix(dot + 1);
  }
  return address;
}

std::string ipv4_text(std::uint32_t address) {
  return fmt::format("{}.{}.{}.{}", address >> 24, (address >> 16) & 255, (address >> 8) & 255,
                     address & 255);
}

std::optional<Ipv4Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return {};
  const auto address = parse_ipv4(text.substr(0, slash));
  const auto prefix = parse_number(text.substr(slash + 1), 32);
  if (!address || !prefix) return {};
  const Ipv4Network network = network_of(*address, static_cast<int>(*prefix));
  if (network.first != *address) return {};
  return network;
}

std::string network_text(const Ipv4Network& network) {
  return fmt::format("{}/{}", ipv4_text(network.first), network.prefix);
}

Ipv4Network network_of(std::uint32_t address, int prefix) {
  const std::uint32_t mask = prefix == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix);
  return {address & mask, prefix};
}

std::string nth_address(const Ipv4Network& network, std::uint32_t nth) {
  if (nth >= network.size()) return {};
  return ipv4_text(network.first + nth);
}

}  // namespace muster
