// Texts as the components' own parsers take them: Go's strconv and time, Kubernetes' quantities.
// Pure, linear in the text.
#pragma once

#include <optional>
#include <string_view>

namespace muster {

[[nodiscard]] bool is_go_bool(std::string_view text);
[[nodiscard]] bool is_go_integer(std::string_view text, bool may_be_negative);
[[nodiscard]] bool is_go_number(std::string_view text);
[[nodiscard]] bool is_go_duration(std::string_view text);
[[nodiscard]] bool is_port_range(std::string_view text);

// -1, 0 or 1; nothing where resource.ParseQuantity refuses the text.
[[nodiscard]] std::optional<int> sign_of_quantity(std::string_view text);
// "7.5%" is 7.5; nothing for another text.
[[nodiscard]] std::optional<double> percentage(std::string_view text);

}  // namespace muster
