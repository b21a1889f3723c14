// By what callers that nobody knows are told apart: budgets are counted by these.
#pragma once

#include <string>
#include <string_view>

namespace muster {

// One caller: an IPv4 address; of IPv6 the /64, since whoever has one address there has all of them
// (RFC 4291, section 2.5.1). What is no address stays as it is (a unix socket's peer).
[[nodiscard]] std::string source_of(std::string_view address);

// One network: of IPv4 the /24, of IPv6 the /64. "192.0.2.0/24"
[[nodiscard]] std::string network_of(std::string_view address);

// What many networks of one owner lie in: of IPv4 the /16, of IPv6 the /48 (RFC 6177).
[[nodiscard]] std::string site_network_of(std::string_view address);

}  // namespace muster
