// What IANA's registry of special-purpose IPv4 addresses keeps from ordinary use. Pure.
#pragma once

#include <string_view>

#include "document/ipv4.hpp"

namespace muster {

struct SpecialNetwork {
  enum class Use {
    unusable,  // no machine or pod can be reached there
    odd,       // works, and is meant for something else
    ordinary,  // private: what clusters are made of
  };
  Cidr network;
  Use use;
  std::string_view purpose;  // "loopback"
  std::string_view address;  // "a loopback address"
};

// The worst that the network has something of; nullptr: public addresses alone.
[[nodiscard]] const SpecialNetwork* special_network(const Cidr& network);
// "a loopback address", "the broadcast address 255.255.255.255": what no machine can have; "" else.
[[nodiscard]] std::string_view unusable_address(std::uint32_t address);

}  // namespace muster
