// Which byte of a text is not what an inventory may hold.
#pragma once

#include <cstddef>
#include <string_view>

namespace muster {

// The offset of the first byte that is not well-formed UTF-8 (RFC 3629) or is a control character
// other than tab and line ends; npos when there is none.
[[nodiscard]] std::size_t find_bad_byte(std::string_view text);

}  // namespace muster
