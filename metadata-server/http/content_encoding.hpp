// Accept-Encoding, as far as artifacts need it (RFC 9110 12.5.3). Pure.
#pragma once

#include <string_view>

namespace muster {

// The header names `coding` itself, and not with a weight of 0. "*" names nothing: a client that
// takes whatever comes is served plain.
[[nodiscard]] bool accepts_coding(std::string_view accept_encoding, std::string_view coding);

}  // namespace muster
