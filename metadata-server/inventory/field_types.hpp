// The types that component_options names: which text is of one, and how that is told. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "inventory/component_options.hpp"

namespace muster {

[[nodiscard]] bool is_of_type(std::string_view text, std::string_view type);
// "a duration such as 30s, 5m or 1h30m"
[[nodiscard]] std::string_view expected_of_type(std::string_view type);

// Why a flag does not take `text`.
struct Mismatch {
  std::string expected, found;
  std::string cure = {};  // "": none of its own
};
[[nodiscard]] std::optional<Mismatch> mismatch_of(std::string_view text, const FlagType& flag);
// One feature gate; `value` is what it is set to.
[[nodiscard]] std::optional<Mismatch> mismatch_of_gate(std::string_view name, bool value,
                                                       const FlagType& gates);

}  // namespace muster
