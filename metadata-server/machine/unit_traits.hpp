// What the units of a machine need of each other, and how one sees that they work: once, held to
// the files in units/ by a test. Pure.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace muster {

struct UnitTraits {
  std::string_view name;
  std::vector<std::string_view> needs;  // without which it does not start, or not work
  // What it listens on once it works; 0: its start ends only when it works (Type=notify, oneshot).
  std::uint16_t port = 0;
};

[[nodiscard]] const std::vector<UnitTraits>& unit_traits();
// A unit that the table does not have needs nothing.
[[nodiscard]] UnitTraits traits_of(std::string_view unit);
// What the unit needs, and what these need.
[[nodiscard]] std::set<std::string> needs_of(std::string_view unit);

}  // namespace muster
