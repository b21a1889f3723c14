// Whether somebody else gives addresses on a segment, asked as a machine asks (RFC 2131).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "result/result.hpp"

namespace muster {

using MacBytes = std::array<std::uint8_t, 6>;

struct DhcpOffer {
  std::string server, address;
};

// The IP packet of a DISCOVER to everybody, whose answers come to everybody too.
[[nodiscard]] std::string dhcp_discover(const MacBytes& mac, std::uint32_t transaction);
// Of an IP packet that came in; none: no OFFER of an address in this transaction. Any bytes.
[[nodiscard]] std::optional<DhcpOffer> read_dhcp_offer(std::string_view packet,
                                                       std::uint32_t transaction);

// Where dnsmasq's configuration gives addresses alone, its interfaces; else none.
[[nodiscard]] std::vector<std::string> interfaces_alone(std::string_view configuration);

// The first offer on any of them; none: nobody offered in that time. Needs CAP_NET_RAW.
struct RivalServer {
  std::string interface;
  DhcpOffer offer;
};
[[nodiscard]] Result<std::optional<RivalServer>> find_dhcp_rival(
    const std::vector<std::string>& interfaces, std::chrono::milliseconds limit);

}  // namespace muster
