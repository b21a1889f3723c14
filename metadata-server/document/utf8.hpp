// Text that came from outside: whether it is UTF-8, where it may be cut, how it is shown. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace muster {

// The offset of the first byte that is not well-formed UTF-8 (RFC 3629) or is a control character
// other than tab and line ends; npos when there is none.
[[nodiscard]] std::size_t find_bad_byte(std::string_view text);

// The longest beginning of at most `size` bytes that ends between two characters.
[[nodiscard]] std::string_view cut_text(std::string_view text, std::size_t size);

// Control characters (C0, DEL, C1), those that turn the direction of text, and bytes that are no
// UTF-8 as \xNN, so that no machine writes to an operator's terminal.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace muster
