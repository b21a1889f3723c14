// The types that component_options names: which text is of one, and how that is told. Pure.
#pragma once

#include <string_view>

namespace muster {

[[nodiscard]] bool is_of_type(std::string_view text, std::string_view type);
// "a duration such as 30s, 5m or 1h30m"
[[nodiscard]] std::string_view expected_of_type(std::string_view type);

}  // namespace muster
